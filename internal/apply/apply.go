// Package apply walks a plan.
//
// Every step first looks whether it is already so, then acts, then verifies what it did.
// A step that fails stops the later steps of its entry, not those of others.
// Package boot walks the same steps in the initrd, through [Place].
package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Event says how one step went.
type Event struct {
	Step plan.Step
	Said []string // what the user has to know of it, a sentence each
	Err  error
}

// ErrWouldLose marks an error of a step that refused to hide or overwrite data.
var ErrWouldLose = errors.New("would lose data")

// Run walks the steps of p on the machine whose root is the given tree, and tells each step as it is done.
// It returns the joined errors of the steps that failed.
func Run(root *sys.Tree, p *plan.Plan, tell func(Event)) error {
	w := walker{root: root, near: root.Near(), failed: map[string]bool{}, adopted: map[string]bool{}}
	defer w.near.Close()
	stores := map[string]bool{}
	for _, s := range p.Steps {
		if s.Store == "" || stores[s.Store] {
			continue
		}
		stores[s.Store] = true
		unlock, err := waitLock(root, s.Store)
		if err != nil {
			return err
		}
		defer unlock()
	}
	var errs []error
	carried, cerr := carryAll(root, p.Steps)
	if cerr != nil {
		errs = append(errs, cerr)
	}
	w.carried = carried
	for _, s := range p.Steps {
		if w.failed[s.Path] || s.Kind == plan.Record && len(errs) > 0 {
			continue
		}
		err := w.step(s)
		if err != nil {
			w.failed[s.Path] = true
			errs = append(errs, err)
		}
		if tell != nil {
			c := w.carried[s.Path]
			tell(Event{s, slices.Concat(c.Said, c.Told, c.Noted), err})
		}
	}
	for _, s := range sorted(stores) {
		if _, err := LearnIDs(root, s); err != nil {
			errs = append(errs, fmt.Errorf("write down to whom the data in %s belongs: %w", s, err))
		}
	}
	placed := p.Steps
	for _, s := range p.Steps {
		if s.Boot != nil { // what file managers are told may have changed where nothing else has
			placed = s.Boot.Entries
		}
	}
	return errors.Join(append(errs, note(root, placed, w.near.Made()))...)
}

func sorted(set map[string]bool) []string {
	var out []string
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// Lock takes the lock of a store, so that nobody else applies a plan, takes an entry away or heals one. It does not wait:
// if somebody has it, the error is [sys.ErrLocked].
func Lock(root *sys.Tree, store string) (unlock func(), err error) {
	if err := mkStateDir(root, store); err != nil {
		return nil, err
	}
	return root.Lock(lockFile(store))
}

// waitLock is [Lock], and waits for the watcher, which has it for a moment now and then.
func waitLock(root *sys.Tree, store string) (unlock func(), err error) {
	if err := mkStateDir(root, store); err != nil {
		return nil, err
	}
	return root.WaitLock(lockFile(store))
}

func lockFile(store string) string { return path.Join(store, decl.StateDir, "lock") }

func mkStateDir(root *sys.Tree, store string) error {
	return root.MkdirAll(path.Join(store, decl.StateDir), func(string) sys.Perm { return sys.Perm{Mode: 0o700} })
}

type walker struct {
	root    *sys.Tree
	near    *sys.Near
	failed  map[string]bool // paths of entries with a failed step
	adopted map[string]bool // paths copied into a store by this walk
	carried map[string]Carried
}

func (w *walker) step(s plan.Step) error {
	switch s.Kind {
	case plan.Adopt:
		if err := adopt(w.root, s.Path, w.root, s); err != nil {
			return fmt.Errorf("adopt %s: %w", s.Path, err)
		}
		w.adopted[s.Path] = true
		return nil
	case plan.Create:
		return create(w.root, s)
	case plan.Bind:
		return w.bind(s)
	case plan.Symlink, plan.Copy:
		if s.Kind == plan.Symlink && s.Dir {
			return w.link(s)
		}
		if err := w.guard(s); err != nil {
			return err
		}
		return PlaceNear(w.near, s)
	case plan.Carry:
		return w.carried[s.Path].Err
	case plan.Give:
		return Enforce(w.root, s)
	case plan.Record:
		return record(w.root, s)
	}
	return fmt.Errorf("internal error: unknown step %q", s.Kind)
}

// bind covers a directory or file of a running system with its kept copy.
func (w *walker) bind(s plan.Step) error {
	if !w.adopted[s.Path] {
		if err := bindNew(w.near, s); !errors.Is(err, fs.ErrExist) { // it makes what it covers
			return wrap(s, err)
		}
	}
	if err := w.guard(s); err != nil {
		return err
	}
	if !s.Dir && w.adopted[s.Path] {
		return w.coverFile(s)
	}
	var hidden *sys.Tree
	if s.Dir && w.adopted[s.Path] {
		var err error
		if hidden, err = w.root.Sub(s.Path); err != nil {
			return err
		}
		defer hidden.Close()
	}
	if err := PlaceNear(w.near, s); err != nil {
		return err
	}
	if hidden == nil {
		return nil
	}
	kept, err := w.root.Sub(s.Source)
	if err != nil {
		return err
	}
	defer kept.Close()
	return sys.Freshen(hidden, kept)
}

// coverFile covers a file with the copy that was just made of it, and gives that what was written to the file in between.
func (w *walker) coverFile(s plan.Step) error {
	hidden, err := w.root.Cover(s.Path, s.Source)
	if err != nil {
		return err
	}
	defer hidden.Close()
	if err := PlaceNear(w.near, s); err != nil {
		return err
	}
	return hidden.Freshen(w.root, s.Source)
}

// guard refuses to cover or replace data that the store does not have.
// The plan has looked before; this looks again, at the last moment.
func (w *walker) guard(s plan.Step) error {
	if w.adopted[s.Path] {
		return nil
	}
	look := w.near.Stat
	if s.Kind != plan.Bind { // what lies at the path itself is replaced, and its directory may be another one by now
		look = w.root.Stat
	}
	there, err := look(s.Path)
	if err != nil {
		return ignoreMissing(err)
	}
	if there.IsLink() {
		target, err := w.root.Readlink(s.Path)
		if err != nil || target == s.Source {
			return err
		}
		return fmt.Errorf("%s is a symbolic link to %s and not ours: %w", s.Path, target, ErrWouldLose)
	}
	if empty, err := w.root.Empty(s.Path); err != nil || empty {
		return err
	}
	diff, err := sys.Compare(w.root, s.Path, w.root, s.Source, 100)
	if err != nil {
		return err
	}
	for _, d := range diff {
		if d.What == sys.TimeDiffers || s.Enforce && d.Path == "." && d.OfAccess() { // the latter is for the declaration to say
			continue
		}
		return fmt.Errorf("%s and %s both hold data and differ (%s): %w", s.Path, s.Source, d, ErrWouldLose)
	}
	return nil
}
