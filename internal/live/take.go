package live

import (
	"errors"
	"fmt"
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
	None    bool         `json:"none,omitempty"`  // the store has no copy of it
	Done    bool         `json:"done"`

	step   plan.Step
	now    time.Time
	beside *sys.Tree // the directory that it lies in, without what is mounted there
	under  *sys.Tree // the directory that the kept copy covers
	temp   string    // the copy of a file, or of a linked directory, beside it
}

// Source is the path of the kept copy.
func (t *Taking) Source() string { return t.step.Source }

// look finds out whether an entry can be taken away while the machine runs.
func (m Machine) look(t *Taking) error {
	if t.step.Kind != plan.Bind && t.step.Kind != plan.Symlink || apply.Verify(m.Root, t.step) != nil {
		return nil
	}
	t.InPlace = true
	if t.step.Kind == plan.Symlink && t.step.Dir {
		if covered, err := sys.MountedFrom(m.Root, t.step.Source, m.Root, t.Path); err != nil {
			return err
		} else if covered {
			t.step.Kind = plan.Bind
		}
	}
	return m.holders(t)
}

// holders finds out who uses an entry. It then stays until the next boot.
func (m Machine) holders(t *Taking) (err error) {
	if t.step.Kind == plan.Symlink && t.step.Dir {
		t.Holders, err = m.Root.TreeHolders(t.step.Source)
	} else if t.step.Kind == plan.Symlink {
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

// take takes the entries away, when the next boot does without them already.
func (c *Change) take() error {
	var errs []error
	err := c.each(func(t *Taking) error {
		if err := c.machine.stop(); err != nil {
			return err
		}
		if t.InPlace && t.Waits == "" && t.step.Kind == plan.Symlink { // no kernel says so, as it does of mounts
			if err := c.machine.holders(t); err != nil {
				errs = append(errs, err)
				return nil
			}
		}
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

// each walks the entries that are taken away, while no other program changes their stores.
func (c *Change) each(f func(*Taking) error) error {
	stores := map[string]bool{}
	for _, t := range c.Taken {
		if s := t.step.Store; !stores[s] {
			stores[s] = true
			unlock, err := c.machine.Root.WaitLock(path.Join(s, decl.StateDir, "lock"))
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
				_ = t.beside.RemoveTree(t.temp)
			}
			t.beside.Close()
		}
		t.under, t.beside = nil, nil
	}
}
