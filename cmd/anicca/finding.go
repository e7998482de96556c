package main

import (
	"fmt"
	"os"
	"path"
	"sync/atomic"

	"anicca/internal/changes"
	"anicca/internal/decl"
	"anicca/internal/review"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/ui"
	"anicca/internal/ui/progress"
)

// finding finds the changes of a root, says how far it is, and remembers for the next time what does not change.
type finding struct {
	machine *sys.Tree
	store   string // the path of the main store
	silent  bool   // nothing is said meanwhile
}

// printsFile is where a store keeps what is known of the base.
const printsFile = decl.StateDir + "/base.prints"

// bootID is a variable for tests.
var bootID = sys.BootID

func (f finding) find(d *root.Disk, b root.Base, look changes.Look) ([]review.Change, error) {
	at := path.Join(f.store, printsFile)
	name := fmt.Sprint(d.Backend(), b.Number, b.UUID, b.Made.UnixNano())
	if d.Backend() == decl.Overlay { // the disk below it is written to until the first boot that uses it, and by every boot with anicca=off
		name += " " + bootID()
	}
	look.Known = changes.NewKnown(name, func() []byte {
		data, _ := f.machine.ReadFile(at) // what cannot be read is found out again
		return data
	})
	look.Seen = new(atomic.Int64)
	if !f.silent {
		stop := progress.Line(os.Stderr, func() string { return "looked at " + ui.Grouped(look.Seen.Load()) + " files…" })
		defer stop()
	}
	all, err := changes.OfDisk(d, f.machine, look)
	if data, more := look.Known.Data(); more && err == nil {
		_ = f.machine.WriteFile(at, data, sys.Mine(0o600)) // a store that is full or read-only is no fault of a review
	}
	return all, err
}
