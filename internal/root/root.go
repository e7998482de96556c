// Package root makes fresh roots and keeps the old ones.
//
// A [Backend] is one way to keep roots side by side; a [Disk] is what all of them share:
// the ledger, and the reset as intent, act, commit.
// First a file says what is about to happen, then it happens, then the ledger says that it did.
// Whatever stops in between is finished or undone by the next [Disk.Recover];
// what lies on the disk decides, not what the intent hoped for.
// Nothing is ever deleted by a reset.
package root

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"anicca/internal/decl"
)

// Backend is one way to keep roots side by side. Paths are from the top level of the filesystem;
// each backend has a file of its name in this package.
type Backend interface {
	Name() decl.Backend
	// Fresh makes at p a root that starts as what lies at from, a base or an old root, and is to take the place of what lies at place.
	// It fails before anything is made if that cannot be replaced.
	Fresh(from, p, place string) error
	// Identity tells the root or base at p from every other, over restarts; it is "" if nothing is there.
	Identity(p string) (string, error)
	// Freeze makes at p a base of the root as it is now. It is [ErrNextBoot] where only a reset can do that.
	Freeze(root, p string) error
	// Intact reports with an error if what lies at p is not an unchanged base of that identity.
	Intact(p, identity string) error
	// Exchange puts what lies at work in the root's place. The old root is then at work, or at old already.
	// Where that takes more than one step, there may be no root in between; [Disk.Recover] goes on from there.
	Exchange(work, root, old string) error
	// PutAway moves what lies at work to old; what an exchange has put there already is left.
	PutAway(work, old string) error
	// Finish does what is left to do, before a reset is recorded, when the new root is at place and the old one at old.
	// It may be called again.
	Finish(place, old string) error
	// Remove deletes the root or base at p with all in it.
	Remove(p string) error
	// InUse returns where what lies at p is mounted, "" if nowhere.
	InUse(p string) (string, error)
	// List returns the names of what lies in one of anicca's directories.
	List(dir string) ([]string, error)
	// Open returns a directory where what lies at p can be read, and a function that lets go of it.
	// Layers are what it lies over, uppermost first, for backends whose roots are only differences.
	Open(p string, layers []string) (dir string, done func() error, err error)
	// Check reports with an error if the root that is mounted at dir is not the one that was made.
	Check(dir string, made Made) error
}

// Base is a known-good root that a reset returns to.
type Base struct {
	Number int       `json:"number"`
	UUID   string    `json:"uuid,omitempty"`
	Made   time.Time `json:"made"`
	Path   string    `json:"path,omitempty"`  // from the top level; empty for its place below anicca/base
	On     int       `json:"on,omitempty"`    // the base below it, for backends whose bases are layers
	Parts  []Part    `json:"parts,omitempty"` // volumes that are reset with the root
}

// Part is a volume of its own, such as /home, that is reset together with the root.
type Part struct {
	Path   string `json:"path"`             // where it is mounted in the root
	Volume string `json:"volume,omitempty"` // its path from the top level
	UUID   string `json:"uuid,omitempty"`
}

// Old is one root in the archive.
type Old struct {
	ID     string    `json:"id"`
	UUID   string    `json:"uuid,omitempty"`
	Base   int       `json:"base,omitempty"`   // the base that it began as; 0 if that is not known
	From   string    `json:"from,omitempty"`   // the old root that it began as
	When   time.Time `json:"when"`             // when it was put away, by the clock of that boot
	Kernel string    `json:"kernel,omitempty"` // release that it last ran with
	Parts  []Part    `json:"parts,omitempty"`

	Good   bool `json:"good,omitempty"`   // it had booted well
	RAM    bool `json:"ram,omitempty"`    // it was in memory, and this is its copy
	Lost   bool `json:"lost,omitempty"`   // it was in memory and not saved: nothing of it is there
	Pinned bool `json:"pinned,omitempty"` // the user wants to keep it
	Found  bool `json:"found,omitempty"`  // the ledger was lost, and rebuilt from what lay on the disk
}

// Booted is the root that was the last to boot well.
type Booted struct {
	Root   string // identity
	Kernel string // release that it ran with
}

// Order says what a reset shall do.
type Order struct {
	Now    time.Time
	BootID string
	Kernel string // release of the running kernel
	Booted Booted
	From   string // id of the old root to begin as; empty for the newest base
	RAM    bool   // the root will be mounted in memory
}

// Made is what a reset did.
type Made struct {
	Counter int    `json:"counter"`           // of resets on this machine
	Base    int    `json:"base,omitempty"`    // number of the base that the root is a copy of
	From    string `json:"from,omitempty"`    // id of the old root that it is a copy of instead
	UUID    string `json:"uuid,omitempty"`    // of the new root
	Parent  string `json:"parent,omitempty"`  // UUID of what it is a copy of
	Archive string `json:"archive,omitempty"` // id of the old root; empty if it became a base, or if there was none
	Became  int    `json:"became,omitempty"`  // number of the base that the old root became
	Parts   []Part `json:"parts,omitempty"`   // made with it

	Steps []Step `json:"steps,omitempty"`
}

// String says what was made, in a sentence.
func (m Made) String() string {
	s := "the root is a fresh copy of " + m.origin()
	switch {
	case m.Became != 0:
		return fmt.Sprintf("what the root was became base %d, and the root is a fresh copy of it", m.Became)
	case m.Archive != "":
		s += "; the old one is " + m.Archive + " in the archive"
	}
	return s
}

// origin says what a root was made from.
func (m Made) origin() string {
	if m.From != "" {
		return "old root " + m.From
	}
	return fmt.Sprintf("base %d", m.Base)
}

// Step is one step of a reset and how long it took.
type Step struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms"`
}

// stamp is how an id says when.
const stamp = "20060102T150405Z"

// oldID names an old root. Ids sort by the counter, never by a clock, which may be wrong.
func oldID(counter int, now time.Time) string {
	return fmt.Sprintf("%06d-%s", counter, now.UTC().Format(stamp))
}

// counterOf returns the counter in an id of ours, false for any other name. Parts have the name of their place behind it.
func counterOf(name string) (int, bool) {
	counter, when, _ := strings.Cut(name, "-")
	n, err := strconv.Atoi(counter) // the fmt package would do both, and make the initrd's program 18 KB larger
	if err != nil || n < 1 || len(when) < len(stamp) {
		return 0, false
	}
	if _, err := time.Parse(stamp, when[:len(stamp)]); err != nil {
		return 0, false
	}
	return n, true
}
