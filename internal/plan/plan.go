// Package plan is the distance between what should be and what is, as data.
//
// [Make] compares a declared host with the facts of a machine and returns the steps between them, in order.
// It has no clock, reads no disk and no environment:
// the same host and the same facts always give the same plan.
// Printing a plan is the dry run; package apply walks it.
package plan

import (
	"encoding/json"
	"fmt"
	"path"

	"anicca/internal/decl"
)

// Format is the version of the JSON form of [Plan] and [Boot].
// A program refuses what was written in another one.
const Format = 1

// Kind says what a step does. Each kind has a file of its name in this package.
type Kind string

const (
	// Adopt copies what lies at Path into the store, with all metadata, and verifies the copy.
	Adopt Kind = "adopt"
	// Create makes the empty directory at Source, and what is missing above it.
	Create Kind = "create"
	// Bind mounts Source over Path.
	Bind Kind = "bind"
	// Symlink puts a symbolic link to Source at Path.
	Symlink Kind = "symlink"
	// Copy writes the content of Source to the plain file at Path.
	Copy Kind = "copy"
	// Carry brings Source and the plain file at Path together: the one that was changed last wins. Programs may replace the file.
	Carry Kind = "carry"
	// Give gives the kept copy the declared owner and mode, and what lies at Path too if that is another object.
	Give Kind = "give"
	// Record writes a new generation, with the boot plan, into the store.
	Record Kind = "record"
)

// Step is one change to the machine. Its payload is flat: it holds no pointer into the declaration.
type Step struct {
	ID   string   `json:"id"`
	Kind Kind     `json:"kind"`
	Why  decl.Pos `json:"why"` // the line of the declaration that it came from

	Path   string `json:"path"`             // absolute path on the machine
	Store  string `json:"store,omitempty"`  // path of the store
	Source string `json:"source,omitempty"` // path of the kept copy: Store + Path
	Dir    bool   `json:"dir,omitempty"`    // a directory, else a file

	Phase decl.Phase `json:"phase,omitempty"` // by when it has to be in place; empty for early
	Under string     `json:"under,omitempty"` // mount point of the filesystem that it lies in, if that is mounted after the initrd

	Options []string `json:"options,omitempty"` // mount options of a Bind
	Perm    Perm     `json:"perm"`              // of what Create makes, and what Give gives
	Enforce bool     `json:"enforce,omitempty"` // Perm is set at every boot too
	Had     *Perm    `json:"had,omitempty"`     // what Give changes, as it was
	Parent  Perm     `json:"parent"`            // of the immediate parent, if it has to be made
	Home    *Home    `json:"home,omitempty"`    // set for entries of a home list
	Root    string   `json:"root,omitempty"`    // identity of the running root, for a Carry of a running system; empty if it is not known
	Main    string   `json:"main,omitempty"`    // the store with anicca's own records, for the same
	Volumes []string `json:"volumes,omitempty"` // mount points of volumes that are reset with the root, for the same

	OnConflict string `json:"onConflict,omitempty"` // of a Carry, as in [decl.Entry]
	OnDelete   string `json:"onDelete,omitempty"`

	Boot *Boot `json:"boot,omitempty"` // payload of Record
}

// Perm is an owner and a mode as numbers, so that the initrd needs no account database.
// A nil field means "as the machine's own directory has it, else the default".
type Perm struct {
	UID  *int       `json:"uid,omitempty"`
	GID  *int       `json:"gid,omitempty"`
	Mode *decl.Mode `json:"mode,omitempty"`
}

// Home is the home directory that an entry lies in.
// Missing directories between it and the entry belong to the user.
type Home struct {
	Dir string `json:"dir"`
	UID int    `json:"uid"`
	GID int    `json:"gid"`
}

// Conflict is an entry that no step can put in place without hiding or overwriting data.
type Conflict struct {
	Why  decl.Pos `json:"why"`
	Path string   `json:"path"`
	Msg  string   `json:"msg"`  // names both sides
	Hint string   `json:"hint"` // what to type
}

// Note is something the user should know that is neither a step nor a conflict.
type Note struct {
	Why  decl.Pos `json:"why"`
	Path string   `json:"path"`
	Msg  string   `json:"msg"`
}

// Plan is the ordered steps between a declaration and a machine.
type Plan struct {
	Format    int        `json:"format"`
	Host      string     `json:"host"`
	Steps     []Step     `json:"steps"`
	Pending   []Note     `json:"pending,omitempty"` // what is in place until the next boot only
	Conflicts []Conflict `json:"conflicts,omitempty"`
	Notes     []Note     `json:"notes,omitempty"`
	Drift     []Note     `json:"drift,omitempty"` // owners and modes that are not as declared, and not enforced
}

// Boot is the part of a plan that the initrd walks at every boot.
// It lies in the store; nothing is evaluated in the initrd.
type Boot struct {
	Format     int          `json:"format"`
	Host       string       `json:"host"`
	Generation int          `json:"generation"` // set when it is recorded
	Backend    decl.Backend `json:"backend"`
	Reset      decl.Reset   `json:"reset"`
	Strict     bool         `json:"strict,omitempty"`
	Size       string       `json:"size,omitempty"`
	Archive    decl.Archive `json:"archive"`
	Volumes    []BootVolume `json:"volumes,omitempty"` // reset with the root, parents first
	Stores     []BootStore  `json:"stores"`            // the first holds anicca's own records
	Entries    []Step       `json:"entries"`           // only Bind, Symlink, Carry and Copy, parents first
}

// BootStore is where the initrd finds a store: at a path from the top level of the root's filesystem, or on a device of its own.
type BootStore struct {
	Path    string    `json:"path"`              // mount point on the machine
	Subvol  string    `json:"subvol,omitempty"`  // path from the top level
	Device  string    `json:"device,omitempty"`  // as fstab names it, such as UUID=…
	FSType  string    `json:"fsType,omitempty"`  // of the device
	Options []string  `json:"options,omitempty"` // mount options
	Need    decl.Need `json:"need"`
	Under   string    `json:"under,omitempty"` // as of a step: then the initrd leaves it to the booted system
}

// Left reports whether the initrd neither waits for a store nor mounts it: all that it keeps is late, or it lies in a
// filesystem that is mounted after the initrd.
func (b *Boot) Left(s BootStore) bool {
	return s.Under != "" || s.Device != "" && b.Late(s)
}

// Late reports whether all that a store keeps has to be in place before logins only.
func (b *Boot) Late(s BootStore) bool {
	some := false
	for _, e := range b.Entries {
		if e.Store == s.Path && e.Phase != decl.PhaseLate {
			return false
		}
		some = some || e.Store == s.Path
	}
	return some
}

// Dirs are the kept directories of a boot plan, by path.
type Dirs map[string]*Step

// Dirs returns the kept directories.
func (b *Boot) Dirs() Dirs {
	d := make(Dirs, len(b.Entries))
	for i, s := range b.Entries {
		if s.Dir {
			d[s.Path] = &b.Entries[i]
		}
	}
	return d
}

// Around returns the kept directory nearest to a path that it lies in, nil if it lies in none.
func (d Dirs) Around(p string) *Step {
	for up := path.Dir(p); up != "/"; up = path.Dir(up) {
		if s := d[up]; s != nil {
			return s
		}
	}
	return nil
}

// BootVolume is a volume that is reset with the root, and that the initrd mounts in it.
type BootVolume struct {
	Path    string   `json:"path"`
	Subvol  string   `json:"subvol"`
	Options []string `json:"options,omitempty"`
}

// DecodeBoot reads a boot plan and refuses other formats and unknown kinds of step.
func DecodeBoot(data []byte) (*Boot, error) {
	var b Boot
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("boot plan: %w", err)
	}
	if b.Format != Format {
		return nil, fmt.Errorf("boot plan: format %d, this program reads %d: run 'anicca apply'", b.Format, Format)
	}
	for _, s := range b.Entries {
		switch s.Kind {
		case Bind, Symlink, Carry, Copy:
		default:
			return nil, fmt.Errorf("boot plan: unknown step %q: run 'anicca apply'", s.Kind)
		}
		for _, p := range []string{s.Path, s.Store, s.Source} {
			if !path.IsAbs(p) || path.Clean(p) != p {
				return nil, fmt.Errorf("boot plan: %q is not a clean absolute path: run 'anicca apply'", p)
			}
		}
	}
	return &b, nil
}
