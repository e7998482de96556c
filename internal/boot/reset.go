// Package boot is what anicca does while the machine boots.
//
// It has three parts, run by the initrd's hooks and by a late service:
// [InitrdReset] before the root is mounted, [InitrdPersist] between that and switch-root,
// and [Finish] in the booted system after the local filesystems.
// They hand the [Record] on to each other in /run.
//
// The rule of the package: whatever goes wrong, there is a root, nothing is deleted,
// and the user is told in a sentence.
package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// Machine is the root filesystem as the initrd is about to mount it.
type Machine struct {
	Cmdline string     // kernel command line
	Subvol  string     // what will be mounted as the root, from the top level: a subvolume or a dataset; empty if none is named
	Disk    *root.Disk // with its top level mounted
	Kernel  string     // release that must find its modules in the new root; empty to skip that check
	Now     time.Time
	BootID  string
	// Keep, if not empty, says why the root is kept whatever anybody wants.
	Keep string
	// Present reports with an error if a store that lies elsewhere is not there; nil where no other filesystem can be.
	Present func(plan.BootStore) error
}

// openStore opens a store before it is mounted. Close it with the function.
func openStore(d *root.Disk, p string) (*sys.Tree, func(), error) {
	t, done, err := d.OpenVolume(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s is not there: mount the top level of the filesystem and look for it", p)
	}
	return t, done, err
}

func newRecord(m Machine) *Record {
	return &Record{BootID: m.BootID, Kernel: m.Kernel, When: m.Now.UTC(), Outcome: Kept, Kexec: sys.Kexec()}
}

// Reset decides whether this boot gets a fresh root, makes it, and returns the record of that.
// It never returns an error: what went wrong is in the record, and the old root is in its place.
func Reset(m Machine) *Record {
	r := newRecord(m)
	s, err := readSwitches(m.Cmdline)
	r.Switch = s.text()
	if s.what == "off" {
		return r.off("anicca=off is on the kernel command line")
	}
	r.Backend = m.Disk.Backend()
	r.Strict = m.Disk.Ledger().Strict
	if err := recoverFrom(m, r); err != nil {
		return r.fail(err)
	}
	if err != nil {
		r.problem("%v", err)
		r.Why = "the kernel command line was not understood"
		return r
	}
	b, err := prepare(m, r)
	if err != nil {
		return r.fail(err)
	}
	r.Reset = b.Reset
	r.RAM, r.Size = b.Backend == decl.Tmpfs, b.Size
	r.Observe = b.Reset == decl.ResetObserve || s.what == "observe"
	do, err := decide(s, m, b.Reset)
	if err == nil && do.reset {
		var said string
		if said, err = m.Disk.SettleFreeze(do.from, m.Now); said != "" && err == nil {
			r.problem("%s", said)
			do, err = decide(s, m, b.Reset)
		}
	}
	if err != nil {
		return r.fail(err)
	}
	if do.reset {
		r = reset(m, r, do)
	} else {
		r.Why = do.why
		sys.Say("the root is kept: " + r.Why)
	}
	if do.once && r.Outcome != Done { // else the commit takes it back
		if err := m.Disk.SetNext(nil, m.Now); err != nil {
			r.problem("'anicca next' could not be taken back, and will be followed again: %v", err)
		}
	}
	if r.Made == nil {
		if r.Root, err = m.Disk.Current(); err != nil {
			r.problem("the running root is not known: %v", err)
		}
	}
	return r
}

// off is the record of a boot in which anicca does nothing.
func (r *Record) off(why string) *Record {
	r.Outcome, r.Why = Off, why
	sys.Say("off: " + why + "; nothing is reset and nothing is kept")
	return r
}

// recoverFrom finishes or undoes what an interrupted reset has left. That waits for nobody's wishes: there may be no root before.
func recoverFrom(m Machine, r *Record) error {
	return r.timed("recover", func() error {
		said, err := m.Disk.Recover(m.Now)
		for _, s := range said {
			sys.Say(s)
		}
		r.Recovered = append(r.Recovered, said...)
		return err
	})
}

// prepare makes sure that everything that a reset needs is there, before it touches anything.
func prepare(m Machine, r *Record) (*plan.Boot, error) {
	switch want := m.Disk.Ledger().Root; {
	case m.Subvol == want:
	case m.Disk.Backend() == decl.Btrfs:
		return nil, fmt.Errorf("the kernel command line mounts subvolume %q, but anicca was set up for %q: set rootflags=subvol=%s", m.Subvol, want, want)
	case m.Disk.Backend() == decl.ZFS:
		return nil, fmt.Errorf("the kernel command line mounts dataset %q of the pool, but anicca was set up for %q: set root=ZFS=POOL/%s", m.Subvol, want, want)
	}
	var b *plan.Boot
	err := r.timed("boot plan", func() error {
		store, done, err := openStore(m.Disk, m.Disk.Ledger().Store)
		if err != nil {
			return fmt.Errorf("the store is missing: %w", err)
		}
		defer done()
		if r.booted, err = readBooted(store); err != nil {
			return err
		}
		b, err = apply.Current(store)
		return err
	})
	if err == nil && b == nil {
		err = errors.New("no declaration was applied yet: run 'anicca apply'")
	}
	if err != nil {
		return nil, err
	}
	if r.Strict = b.Strict; r.Strict != m.Disk.Ledger().Strict {
		if err := m.Disk.SetStrict(b.Strict, m.Now); err != nil {
			return nil, err
		}
	}
	return b, r.timed("stores", func() error { return present(m, b) })
}

// present makes sure that no store is missing without which the machine shall not be reset.
func present(m Machine, b *plan.Boot) error {
	for _, s := range b.Stores {
		if s.Need != decl.Required || b.Left(s) {
			continue
		}
		var err error
		switch {
		case s.Device == "":
			var done func()
			if _, done, err = openStore(m.Disk, s.Subvol); err == nil {
				done()
			}
		case m.Present != nil:
			err = m.Present(s)
		}
		if err != nil {
			return fmt.Errorf("the store %s is missing: %w", s.Path, err)
		}
	}
	return nil
}

// reset makes the fresh root.
func reset(m Machine, r *Record, do decision) *Record {
	if m.Kernel != "" {
		has, err := m.Disk.HasModules(m.Kernel, do.from)
		if err != nil {
			return r.fail(err)
		}
		if n := m.Disk.Ledger().Freeze; !has && do.from == "" && n != 0 {
			return r.refuse(fmt.Sprintf("what is to become base %d has no modules for the running kernel %s", n, m.Kernel),
				"Choose the kernel in the boot menu that it has modules for")
		}
		if !has && do.from == "" {
			base, err := m.Disk.Base()
			if err != nil {
				return r.fail(err)
			}
			return r.refuse(fmt.Sprintf("base %d has no modules for the running kernel %s", base.Number, m.Kernel),
				"To go on with this kernel, make a new base from the running root: anicca base new")
		}
		if !has && do.from != "" {
			r.problem("old root %s has no modules for the running kernel %s: choose the kernel that it ran with in the boot menu", do.from, m.Kernel)
		}
	}
	sys.Say("reset begins")
	var made root.Made
	err := r.timed("reset", func() (err error) {
		made, err = m.Disk.Reset(root.Order{Now: m.Now, BootID: m.BootID, Kernel: m.Kernel, Booted: r.booted, From: do.from, RAM: r.RAM})
		return err
	})
	if err != nil {
		return r.fail(errors.Join(err, recoverFrom(m, r)))
	}
	r.Outcome, r.Made, r.Root = Done, &made, made.UUID
	sys.Say(made.String())
	return r
}

// refuse is the record of a boot whose reset would have done harm.
func (r *Record) refuse(why, hint string) *Record {
	r.Outcome, r.Why = Refused, why
	r.problem("not reset: %s. The root is kept as it is. %s", why, hint)
	return r
}

// asItIs ends what is said of a reset that failed.
const asItIs = ". The old root is booted as it is"

func (r *Record) fail(err error) *Record {
	if sys.IsFull(err) {
		err = fmt.Errorf("the filesystem is full (%w): delete files, or drop old roots with 'anicca archive drop'", err)
	}
	r.Outcome, r.Why = Failed, err.Error()
	r.problem("not reset: %v%s", err, asItIs)
	return r
}
