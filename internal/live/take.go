package live

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Taking is an entry that is taken away from a running machine, so that its path holds a copy of the kept data.
type Taking struct {
	Path    string       `json:"path"`
	Fate    Fate         `json:"fate"`
	InPlace bool         `json:"inPlace"` // the path shows the kept copy
	Holders []sys.Holder `json:"holders,omitempty"`
	Waits   string       `json:"waits,omitempty"` // why it stays in place until the next boot
	Moved   string       `json:"moved,omitempty"` // where the kept copy was moved to
	Done    bool         `json:"done"`

	step   plan.Step
	now    time.Time
	beside *sys.Tree // the directory that it lies in, without what is mounted there
	under  *sys.Tree // the directory that the kept copy covers
	temp   string    // the copy of a file, beside it
}

// Source is the path of the kept copy.
func (t *Taking) Source() string { return t.step.Source }

// look finds out whether an entry can be taken away while the machine runs.
func (m Machine) look(t *Taking) error {
	if t.step.Kind != plan.Bind && t.step.Kind != plan.Symlink || apply.Verify(m.Root, t.step) != nil {
		return nil
	}
	t.InPlace = true
	var err error
	if t.step.Kind == plan.Symlink {
		t.Holders, err = m.Root.FileHolders(t.step.Source)
	} else {
		t.Holders, err = m.Root.MountHolders(t.Path)
	}
	if len(t.Holders) > 0 {
		t.Waits = "programs use it"
	}
	return err
}

// prepare copies the data of the entries that can be taken away to where it will be seen then. Nothing else is changed yet.
func (c *Change) prepare() error {
	return c.each(func(t *Taking) error {
		if !t.InPlace || t.Waits != "" {
			return nil
		}
		if err := c.machine.fill(t); err != nil {
			c.letGo()
			return fmt.Errorf("copy %s back to %s: %w\nNothing was changed", t.step.Source, t.Path, err)
		}
		return nil
	})
}

// fill makes the copy, under the mount or beside the link.
func (m Machine) fill(t *Taking) (err error) {
	dir, name := path.Split(t.Path)
	if t.beside, err = m.Root.Beneath(dir); err != nil {
		return err
	}
	if !t.step.Dir {
		return m.fillFile(t, name)
	}
	if t.under, err = t.beside.Sub(name); err != nil {
		return err
	}
	kept, err := m.Root.Sub(t.step.Source)
	if err != nil {
		return err
	}
	defer kept.Close()
	if p, err := unsaved(t.under, kept); err != nil || p != "" {
		t.Waits = fmt.Sprintf("a program that had %s open when it was covered has written on into the covered one", path.Join(t.Path, p))
		return err
	}
	return sys.Refill(kept, t.under)
}

func (m Machine) fillFile(t *Taking, name string) error {
	covered, err := t.beside.Stat(name)
	if err != nil {
		return err
	}
	kept, err := m.Root.Stat(t.step.Source)
	if err != nil {
		return err
	}
	if covered.IsFile() && covered.Size > 0 && covered.Mtim.Nano() > kept.Mtim.Nano() {
		t.Waits = "a program that had it open when it was covered has written on into the covered one"
		return nil
	}
	t.temp = sys.TempName()
	if err := sys.Copy(m.Root, t.step.Source, t.beside, t.temp); err != nil || t.step.Kind != plan.Bind || covered.Nlink > 1 {
		return err
	}
	// Nobody sees the covered file; after a power cut, in a root that is not reset, somebody may.
	return sys.Overwrite(m.Root, t.step.Source, t.beside, name)
}

// take takes the entries away, when the next boot does without them already.
func (c *Change) take() error {
	var errs []error
	err := c.each(func(t *Taking) error {
		if t.InPlace && t.Waits == "" {
			if err := c.machine.uncover(t); err != nil {
				errs = append(errs, fmt.Errorf("take %s away: %w", t.Path, err))
				return nil
			}
		}
		if t.Waits != "" {
			return nil
		}
		if err := c.machine.settle(t); err != nil {
			errs = append(errs, err)
			return nil
		}
		t.Done = true
		return nil
	})
	return errors.Join(append(errs, err)...)
}

// uncover lets the path show its own copy. What is written until the last moment comes along.
func (m Machine) uncover(t *Taking) error {
	if t.step.Dir {
		return m.uncoverDir(t)
	}
	if t.step.Kind == plan.Bind {
		if busy, err := m.unmount(t); busy || err != nil {
			return err
		}
	}
	if diff, err := sys.Compare(m.Root, t.step.Source, m.Root, t.Path, 1); err != nil || len(diff) == 0 {
		return err
	}
	diff, err := sys.Compare(m.Root, t.step.Source, t.beside, t.temp, 1)
	if err == nil && len(diff) > 0 {
		err = errors.Join(t.beside.Remove(t.temp), sys.Copy(m.Root, t.step.Source, t.beside, t.temp))
	}
	if err != nil {
		return err
	}
	temp := t.temp
	t.temp = ""
	return m.Root.Replace(path.Join(path.Dir(t.Path), temp), t.Path)
}

func (m Machine) uncoverDir(t *Taking) error {
	kept, err := m.Root.Sub(t.step.Source)
	if err != nil {
		return err
	}
	defer kept.Close()
	if err := sys.CatchUp(kept, t.under); err != nil {
		return err
	}
	if busy, err := m.unmount(t); busy || err != nil {
		return err
	}
	there, err := m.Root.Sub(t.Path)
	if err != nil {
		return err
	}
	defer there.Close()
	if err := errors.Join(sys.Freshen(kept, there), there.Sync()); err != nil {
		return fmt.Errorf("what was written in the last moment is in %s only: %w", t.step.Source, err)
	}
	return nil
}

// unmount takes a mount away, or notes who uses it.
func (m Machine) unmount(t *Taking) (busy bool, err error) {
	if err = m.Root.Unmount(t.Path, false); !sys.IsBusy(err) {
		return false, err
	}
	t.Holders, _ = m.Root.MountHolders(t.Path)
	t.Waits = "programs use it, or something is mounted in it"
	return true, nil
}

// forgotten is where kept copies are moved, in a store.
const forgotten = decl.StateDir + "/forgotten"

// settle does to the kept copy what was wished.
func (m Machine) settle(t *Taking) error {
	if t.Fate == Leave {
		return nil
	}
	store, err := m.Root.Sub(t.step.Store)
	if err != nil {
		return err
	}
	defer store.Close()
	at := t.step.Source[len(t.step.Store):]
	if _, err := store.Stat(at); isMissing(err) {
		return nil
	}
	if t.Fate == Delete {
		return errors.Join(store.RemoveTree(at), store.Sync())
	}
	to := path.Join(forgotten, t.now.UTC().Format("20060102T150405Z"), at)
	err = store.MkdirAll(path.Dir(to), func(string) sys.Perm { return sys.Mine(0o700) })
	if err == nil {
		err = store.Rename(at, to)
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %s lies there already", t.Path, path.Join(t.step.Store, to))
	}
	t.Moved = path.Join(t.step.Store, to)
	return errors.Join(err, store.Sync())
}

// each walks the entries that are taken away, while no other program changes their stores.
func (c *Change) each(f func(*Taking) error) error {
	stores := map[string]bool{}
	for _, t := range c.Taken {
		if s := t.step.Store; !stores[s] {
			stores[s] = true
			unlock, err := c.machine.Root.Lock(path.Join(s, decl.StateDir, "lock"))
			if isMissing(err) { // nothing was ever applied
				continue
			}
			if err != nil {
				return err
			}
			defer unlock()
		}
	}
	for _, t := range c.Taken {
		if err := f(t); err != nil {
			return err
		}
	}
	return nil
}

// letGo removes the copies that were not needed.
func (c *Change) letGo() {
	for _, t := range c.Taken {
		if t.under != nil {
			t.under.Close()
		}
		if t.beside != nil {
			if t.temp != "" {
				_ = t.beside.Remove(t.temp)
			}
			t.beside.Close()
		}
		t.under, t.beside = nil, nil
	}
}
