// Package decl holds the vocabulary of a declaration: what one machine should be.
//
// A [Host] is the evaluated declaration of one machine.
// It is produced by package config and read by everyone else;
// it imports only the standard library and holds no behaviour beyond parsing its own words.
package decl

import (
	"path"
	"strings"
)

// Host is one machine's evaluated declaration.
type Host struct {
	Name   string  `json:"name"`
	Root   Root    `json:"root"`
	Stores []Store `json:"stores"` // enabled ones only, sorted by Path
	// Ignore is what a review does not name, sorted by Pattern.
	Ignore []Noise `json:"ignore,omitempty"`
	// Report says who is told what the next reset would drop.
	Report Report `json:"report,omitzero"`
	// Notes are no mistakes, but worth knowing before the declaration is applied.
	Notes Problems `json:"notes,omitempty"`
}

// Root says what the throw-away root is made from and what happens to old ones.
type Root struct {
	Backend Backend `json:"backend"`
	Reset   Reset   `json:"reset"`
	Archive Archive `json:"archive"`
	// Strict stops the boot where something is wrong, instead of booting the old root.
	Strict bool `json:"strict"`
	// Size of the memory that a root in memory may fill, as tmpfs(5) takes it; empty for half of it.
	Size string `json:"size,omitempty"`
	// Volumes are reset together with the root, sorted by Path.
	Volumes []Volume `json:"volumes,omitempty"`
	Pos     Pos      `json:"pos"`
}

// Volume is a volume of the root's filesystem, such as /home, by the directory that it is mounted at.
type Volume struct {
	Path string `json:"path"`
	Pos  Pos    `json:"pos"`
}

// Backend names the mechanism that makes fresh roots.
type Backend string

// The backends of the schema.
const (
	Btrfs   Backend = "btrfs"
	Overlay Backend = "overlay"
	Tmpfs   Backend = "tmpfs"
	ZFS     Backend = "zfs"
)

// Reset says whether a boot makes a fresh root.
type Reset string

const (
	ResetOn      Reset = "on"      // every boot gets a fresh root
	ResetObserve Reset = "observe" // entries are put in place, the root is kept
	ResetOff     Reset = "off"     // like observe, and status does not call it unarmed
)

// Archive says how long old roots are kept: at least Count roots and at least Days days.
type Archive struct {
	Count int `json:"count"`
	Days  int `json:"days"`
}

// Store is a persistent volume that holds kept state as a mirror tree:
// the kept copy of /var/log lies at Path + "/var/log".
type Store struct {
	Path    string   `json:"path"`
	Need    Need     `json:"need"`
	Use     []Use    `json:"use,omitempty"` // what was said of presets, sorted; their entries are in Entries
	Off     []string `json:"off,omitempty"` // absolute paths that are switched off, sorted
	Entries []Entry  `json:"entries"`       // enabled ones only, sorted by Path
	Pos     Pos      `json:"pos"`
}

// Need says what a boot does when a store is not there. The zero value means Required.
type Need string

const (
	Required Need = "required" // the root is not reset, and what is wrong is said loudly
	Degraded Need = "degraded" // the boot goes on without it, and what is wrong is said loudly
	Optional Need = "optional" // the boot goes on without it
)

// Kind tells directories from files.
type Kind string

const (
	Directory Kind = "directory"
	File      Kind = "file"
)

// Method says how an entry is kept.
type Method string

const (
	// Bind mounts the store's copy over the path.
	Bind Method = "bind"
	// Symlink puts a symbolic link to the store's copy at the path.
	Symlink Method = "symlink"
	// Carry keeps a plain file in the root, which programs may replace by rename, and carries it over at boot: the default for files.
	Carry Method = "carry"
	// Copy writes a plain copy of the store's file at boot.
	// It is what /etc/machine-id gets: PID 1 wants a plain file before it starts.
	// Users cannot choose it.
	Copy Method = "copy"
)

// TrashOption is the mount option that lets file managers put a trash directory on a mount that does not show all of a filesystem.
// GLib 2.84 knows it, 2.74 does not: gio/glocalfile.c, ignore_trash_mount.
const TrashOption = "x-gvfs-trash"

// Entry is one declared directory or file to keep.
type Entry struct {
	Path   string `json:"path"` // absolute and clean
	Kind   Kind   `json:"kind"`
	Store  string `json:"store"`            // path of the store it belongs to
	Home   string `json:"home,omitempty"`   // name of the user in whose list it stands; empty for system entries
	Preset string `json:"preset,omitempty"` // preset it came from
	Method Method `json:"method"`
	Phase  Phase  `json:"phase"`
	Tier   Tier   `json:"tier"`

	// Perm is wanted when the object has to be made. Existing data keeps what it has, and what differs is reported;
	// with Enforce, it is given what is declared, now and at every boot.
	Perm    Perm `json:"perm"`
	Enforce bool `json:"enforce,omitempty"`
	// Parent is wanted for the immediate parent directory when that has to be made.
	// Zero fields mean: as the root has it, else the default.
	Parent Perm `json:"parent"`

	OnConflict string `json:"onConflict,omitempty"` // of a carried file: "" for the session's version, else one of the words below
	OnDelete   string `json:"onDelete,omitempty"`   // the same: "" to forget it, else Restore

	MountOptions []string `json:"mountOptions,omitempty"` // sorted; of a bind, and of a link what concerns its store: [TrashOption]
	Pos          Pos      `json:"pos"`
}

// What a carried file can say.
const (
	StoreWins = "store"   // where both sides have changed it
	Ask       = "ask"     // the same: until the user decides, each side keeps its own
	Restore   = "restore" // where the session has deleted it
)

// AccountFiles are the account databases. They are carried as one set.
var AccountFiles = []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"}

// Source is the path of the entry's copy in its store.
func (e Entry) Source() string { return path.Clean(e.Store + e.Path) }

// PlacedDir is where a store remembers, root by root, what was placed in it: below files/ a copy of each carried file,
// below gone/ a mark for each that was not to be there.
const PlacedDir = StateDir + "/carry/placed"

// PlacedFile is where the copy of what was placed at p lies, in the main store, for the root of that identity.
func PlacedFile(store, root, p string) string { return path.Join(store, PlacedDir, root, "files", p) }

// Perm is an owner and a mode. Empty names and a nil Mode mean "not said". A name of digits only is the number itself.
type Perm struct {
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	Mode  *Mode  `json:"mode,omitempty"`
}

// Account is a user as the machine knows it.
type Account struct {
	Name string
	UID  int
	GID  int
	Home string
}

// Person tells people from the accounts of services, whose "homes" are system directories:
// 1000 to 59999 are people's numbers on all common distributions, see login.defs(5) and systemd's UIDS-GIDS.
func (a Account) Person() bool {
	return len(a.Home) > 1 && a.Home[0] == '/' && (a.UID == 0 || a.UID >= 1000 && a.UID < 60000)
}

// Accounts answers for users and groups of the machine that a declaration is for.
type Accounts interface {
	// User returns the account called name.
	User(name string) (Account, bool)
	// Group returns the id of the group called name.
	Group(name string) (gid int, ok bool)
	// Users returns every known account, for checks against home directories.
	Users() []Account
	// Folder returns where a user has one of the [Folders], as a path below the home; "" says that the user has none there.
	// What the user wrote decides, so it is an error if that cannot be read.
	Folder(u Account, name string) (rel string, err error)
}

// StoreOwn reports whether a path below the top of a store is the store itself, or lies in what it has for itself: the records of anicca,
// trash, and what the filesystem makes. It was kept for no path of the machine.
func StoreOwn(p string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	return first == "" || first == "." || first == StateDir || first == "lost+found" || strings.HasPrefix(first, TrashDir)
}

// TrashDir begins the name of the trash directory of a user at the top of a store, before the user's number.
const TrashDir = ".Trash-"

// Declaration directories and files that anicca itself depends on.
const (
	// MachineID is the file whose entry is always kept by [Copy].
	MachineID = "/etc/machine-id"
	// StateDir is the directory below a store's top that holds anicca's own records.
	StateDir = ".anicca"
	// DiskDir is where the filesystem of a root that is an overlay can be seen, as long as the machine runs.
	DiskDir = "/run/anicca/private/disk"
	// LedgerFile is what anicca has on every filesystem that it was set up on, from the top level.
	LedgerFile = "/anicca/ledger.json"
)
