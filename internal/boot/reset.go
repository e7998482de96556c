// Package boot is what anicca does while the machine boots.
//
// It has three parts, run by the initrd's hooks and by a late service:
// [Reset] before the root is mounted, [Persist] between that and switch-root,
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
	"os"
	"path"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// Machine is the root filesystem as the initrd is about to mount it.
type Machine struct {
	Cmdline string       // kernel command line
	Subvol  string       // subvolume that will be mounted as the root, from rootflags=; empty if none is named
	Backend root.Backend // nil if anicca is not set up; then Err may say why
	Root    string       // root subvolume in the ledger, empty for backends without
	// Store opens the main store before anything is mounted.
	Store  func() (*sys.Tree, error)
	Kernel string // release that must find its modules in the base; empty to skip that check
	Now    time.Time
	BootID string
}

// switchOf returns the value of anicca= on a kernel command line; the last one counts.
func switchOf(cmdline string) string {
	var v string
	for f := range strings.FieldsSeq(cmdline) {
		if s, ok := strings.CutPrefix(f, "anicca="); ok {
			v = s
		}
	}
	return v
}

// Reset decides whether this boot gets a fresh root, makes it, and returns the record of that.
// It never returns an error: what went wrong is in the record, and the old root is in its place.
func Reset(m Machine) *Record {
	r := &Record{BootID: m.BootID, Kernel: m.Kernel, When: m.Now.UTC(), Switch: switchOf(m.Cmdline), Outcome: Kept}
	switch r.Switch {
	case "off":
		r.Outcome, r.Why = Off, "anicca=off is on the kernel command line"
		sys.Say("off: the kernel command line says so; nothing is reset and nothing is kept")
		return r
	case "", "keep":
	default:
		r.problem("unknown anicca=%s on the kernel command line: it takes off or keep; the root is kept", r.Switch)
		r.Why = "the kernel command line was not understood"
		return r
	}
	b, err := prepare(m, r)
	if err != nil {
		return r.fail(err)
	}
	r.Reset = b.Reset
	switch {
	case r.Switch == "keep":
		r.Why = "anicca=keep is on the kernel command line"
	case b.Reset == decl.ResetObserve:
		r.Why = `root.reset is "observe"`
	case b.Reset == decl.ResetOff:
		r.Why = `root.reset is "off"`
	default:
		return reset(m, r)
	}
	if r.Root, err = m.Backend.Current(); err != nil {
		r.problem("the running root is not known: %v", err)
	}
	sys.Say("the root is kept: " + r.Why)
	return r
}

// prepare makes sure that everything that a reset needs is there, before it touches anything.
func prepare(m Machine, r *Record) (*plan.Boot, error) {
	if sub := strings.Trim(m.Subvol, "/"); m.Root != "" && sub != m.Root {
		return nil, fmt.Errorf("the kernel command line mounts subvolume %q, but anicca was set up for %q: set rootflags=subvol=%s", sub, m.Root, m.Root)
	}
	err := r.timed("recover", func() (err error) {
		r.Recovered, err = m.Backend.Recover()
		return err
	})
	for _, s := range r.Recovered {
		sys.Say(s)
	}
	if err != nil {
		return nil, err
	}
	var b *plan.Boot
	err = r.timed("boot plan", func() error {
		store, err := m.Store()
		if err != nil {
			return fmt.Errorf("the store is missing: %w", err)
		}
		defer store.Close()
		if r.booted, err = readBooted(store); err != nil {
			return err
		}
		b, err = apply.Current(store)
		return err
	})
	if err == nil && b == nil {
		err = errors.New("no declaration was applied yet: run 'anicca apply'")
	}
	return b, err
}

// reset makes the fresh root.
func reset(m Machine, r *Record) *Record {
	if m.Kernel != "" {
		base, err := m.Backend.Base()
		if err != nil {
			return r.fail(err)
		}
		has, err := m.Backend.HasModules(m.Kernel)
		if err != nil {
			return r.fail(err)
		}
		if !has {
			r.Outcome = Refused
			r.Why = fmt.Sprintf("base %d has no modules for the running kernel %s", base.Number, m.Kernel)
			r.problem("not reset: %s. The root is kept as it is. To go on with this kernel, make a new base from the running root: anicca base new", r.Why)
			return r
		}
	}
	sys.Say("reset begins")
	var made root.Made
	err := r.timed("reset", func() (err error) {
		made, err = m.Backend.Reset(m.Now, m.BootID, r.booted)
		return err
	})
	if err != nil {
		if said, rerr := m.Backend.Recover(); rerr == nil {
			r.Recovered = append(r.Recovered, said...)
		}
		return r.fail(err)
	}
	r.Outcome, r.Made, r.Root = Done, &made, made.UUID
	sys.Say(fmt.Sprintf("the root is a fresh copy of base %d; the old one is %s in the archive", made.Base, made.Archive))
	return r
}

func (r *Record) fail(err error) *Record {
	r.Outcome, r.Why = Failed, err.Error()
	r.problem("not reset: %v. The old root is booted as it is", err)
	return r
}

// OpenBtrfs returns the machine whose btrfs top level is mounted at top.
func OpenBtrfs(top string) (Machine, *root.Btrfs, error) {
	b, err := root.OpenBtrfs(top)
	if err != nil {
		return Machine{}, nil, err
	}
	l := b.Ledger()
	return Machine{
		Backend: b,
		Root:    l.Root,
		Store:   func() (*sys.Tree, error) { return openStore(path.Join(top, l.Store)) },
		Kernel:  sys.Kernel(),
		Now:     time.Now(),
		BootID:  sys.BootID(),
	}, b, nil
}

func openStore(p string) (*sys.Tree, error) {
	t, err := sys.OpenTree(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("subvolume %s is not there: mount the filesystem with subvolid=5 and look for it", path.Base(p))
	}
	return t, err
}

// readCmdline returns the kernel command line.
func readCmdline() string {
	b, _ := os.ReadFile("/proc/cmdline")
	return strings.TrimSpace(string(b))
}
