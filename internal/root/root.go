// Package root makes fresh roots and keeps the old ones.
//
// A [Backend] knows one way to do it.
// A reset is intent, act, commit: the ledger says what is about to happen,
// then it happens, then the ledger says that it did.
// Whatever stops in between is finished or undone by the next [Backend.Recover];
// what lies on the disk decides, not what the ledger hoped for.
// Nothing is ever deleted here.
package root

import (
	"fmt"
	"time"
)

// Backend is one way to make fresh roots.
type Backend interface {
	// Recover finishes or undoes what an interrupted call left behind and says what it did.
	Recover() (said []string, err error)
	// Reset puts a fresh copy of the newest base in the root's place and the old root into the archive.
	// If it fails, the old root is still in its place.
	// Booted is the identity of the root that was the last to boot well, as Current told it then.
	Reset(now time.Time, bootID, booted string) (Made, error)
	// Current returns the identity of the running root.
	Current() (string, error)
	// Base returns the newest base.
	Base() (Base, error)
	// HasModules reports whether the newest base holds the modules of a kernel release.
	HasModules(release string) (bool, error)
	// Verify reports with an error if the tree mounted at dir is not the root that made describes.
	Verify(dir string, made Made) error
	// Archive lists the old roots, oldest first.
	Archive() ([]Old, error)
	// Drop deletes one old root; Settle makes that last.
	Drop(id string) error
	Settle(now time.Time) error
	// Pin keeps an old root from being dropped, or lets go of it.
	Pin(id string, on bool, now time.Time) error
	// OpenOld returns the path below which the files of an old root can be read, and a function that lets go of it.
	OpenOld(id string) (dir string, done func() error, err error)
}

// Base is a known-good root that a reset returns to.
type Base struct {
	Number int       `json:"number"`
	UUID   string    `json:"uuid,omitempty"`
	Made   time.Time `json:"made"`
}

// Old is one root in the archive.
type Old struct {
	ID   string    `json:"id"`
	UUID string    `json:"uuid,omitempty"`
	Base int       `json:"base"` // the base that took its place
	When time.Time `json:"when"` // when it was put away, by the clock of that boot

	Good   bool `json:"good,omitempty"`   // it had booted well
	Pinned bool `json:"pinned,omitempty"` // the user wants to keep it
}

// Made is what a reset did.
type Made struct {
	Counter int    `json:"counter"`           // of resets on this machine
	Base    int    `json:"base"`              // number of the base that the root is a copy of
	UUID    string `json:"uuid,omitempty"`    // of the new root
	Parent  string `json:"parent,omitempty"`  // UUID of the base
	Archive string `json:"archive,omitempty"` // id of the old root

	Steps []Step `json:"steps,omitempty"`
}

// Step is one step of a reset and how long it took.
type Step struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms"`
}

// oldID names an old root. Ids sort by the counter, never by a clock, which may be wrong.
func oldID(counter int, now time.Time) string {
	return fmt.Sprintf("%06d-%s", counter, now.UTC().Format("20060102T150405Z"))
}
