package decl

// Phase says when the kept copy of an entry has to be in place, at the latest: every boot puts it in place as soon as it can.
type Phase string

const (
	PhaseInitrd Phase = "initrd" // before the first process of the system
	PhaseEarly  Phase = "early"  // before the first service that may read it
	PhaseLate   Phase = "late"   // before logins
)

// Before reports whether a phase is an earlier one than another. An empty one is early.
func (p Phase) Before(other Phase) bool { return p.rank() < other.rank() }

func (p Phase) rank() int {
	switch p {
	case PhaseInitrd:
		return 0
	case PhaseLate:
		return 2
	}
	return 1
}

// Tier says what an entry's data is worth, for backups and for whoever needs room.
type Tier string

const (
	TierKeep  Tier = "keep"  // cannot be had again
	TierState Tier = "state" // is missed, but not worth a backup
	TierCache Tier = "cache" // is made again by itself
)

// Use is a preset that a declaration names, for the system or for one user's home.
type Use struct {
	Preset string `json:"preset"`
	Home   string `json:"home,omitempty"` // name of the user; empty for the system
	Off    bool   `json:"off,omitempty"`  // it is named to be left out
}

// Preset is a named list of entries for one program.
type Preset struct {
	Name    string        `json:"name"`
	Topic   string        `json:"topic"`
	What    string        `json:"what"`
	Hazard  string        `json:"hazard"`
	Signs   Signs         `json:"signs"`
	Entries []PresetEntry `json:"entries"` // system paths first, sorted
}

// Signs say which machines a preset is for. Names may hold *, as in a shell.
type Signs struct {
	Always   bool     `json:"always,omitempty"`
	Paths    bool     `json:"paths,omitempty"` // data at one of its paths is a sign
	Packages []string `json:"packages,omitempty"`
	Programs []string `json:"programs,omitempty"`
	Units    []string `json:"units,omitempty"`
}

// PresetEntry is one path of a preset.
type PresetEntry struct {
	Path     string     `json:"path"` // absolute; below the home for an entry of homes
	Kind     Kind       `json:"kind"`
	Home     bool       `json:"home,omitempty"`   // it belongs to a home
	Folder   string     `json:"folder,omitempty"` // one of the Folders, which Path is the English name of
	Phase    Phase      `json:"phase"`
	Tier     Tier       `json:"tier"`
	Mode     *Mode      `json:"mode,omitempty"`
	ModeFrom ModeSource `json:"modeFrom"`
	Hazard   string     `json:"hazard,omitempty"`
}

// ModeSource says who wants the mode of a preset's entry.
type ModeSource string

const (
	ModeBase    ModeSource = "base"    // nobody: it is as the base or the program leaves it
	ModeProgram ModeSource = "program" // the program refuses, or corrects, any other
	ModeCustom  ModeSource = "custom"  // people who keep it write it so
)

// Folders are the directories of a home that have a name in the user's language, see user-dirs.dirs(5),
// with their English names.
var Folders = map[string]string{
	"desktop":     "Desktop",
	"documents":   "Documents",
	"download":    "Downloads",
	"music":       "Music",
	"pictures":    "Pictures",
	"projects":    "Projects",
	"publicshare": "Public",
	"templates":   "Templates",
	"videos":      "Videos",
}
