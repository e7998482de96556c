// Package live changes what a running machine keeps: its declaration, what is in place, and what the next boot does, together.
//
// A change is made in two parts: [Keep] and [Forget] look and say what would be done, and [Change.Run] does it.
package live

import (
	"fmt"
	"io/fs"
	"path"

	"anicca/internal/apply"
	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Machine is a running machine with its declaration.
type Machine struct {
	Root        *sys.Tree
	Declaration config.Options
	Facts       func(*decl.Host) (*facts.Facts, error) // reads what is

	Stop func() error // asked before anything is changed, and before each kept copy is taken away; nil if nobody can stop it
}

func (m Machine) stop() error {
	if m.Stop == nil {
		return nil
	}
	return m.Stop()
}

// Change is what shall be done to a machine.
type Change struct {
	Edited []config.Edited `json:"edited,omitempty"` // files of the declaration
	Plan   *plan.Plan      `json:"plan"`             // entries to put in place, and the boot plan to record
	Taken  []*Taking       `json:"taken,omitempty"`  // entries to take away

	machine Machine
}

// Nothing reports whether there is nothing to do.
func (c *Change) Nothing() bool {
	return len(c.Edited) == 0 && len(c.Plan.Steps) == 0 && len(c.Taken) == 0
}

// Run does what the change says. It tells each step as it is done.
func (c *Change) Run(tell func(apply.Event)) error {
	if err := c.prepare(); err != nil {
		return err
	}
	defer c.letGo()
	if err := c.machine.stop(); err != nil {
		return err
	}
	if err := declare(c.Edited); err != nil {
		return err
	}
	if len(c.Plan.Steps) > 0 {
		if err := apply.Run(c.machine.Root, c.Plan, tell); err != nil {
			return fmt.Errorf("%w\nThe declaration is changed: 'anicca apply' tries again", err)
		}
	}
	return c.take()
}

// find returns the entry at a path, or the kept directory that the path lies in.
func find(host *decl.Host, p string) (e decl.Entry, exact, ok bool) {
	for up := p; ; up = path.Dir(up) {
		for _, s := range host.Stores {
			for _, e := range s.Entries {
				if e.Path == up && (up == p || e.Kind == decl.Directory) {
					return e, up == p, true
				}
			}
		}
		if up == "/" || up == "." {
			return decl.Entry{}, false, false
		}
	}
}

// kind looks what lies at a path that shall be kept; if nothing does, what the store has left of it.
func (m Machine) kind(p, store string) (decl.Kind, error) {
	s, err := m.Root.Stat(p)
	if isMissing(err) {
		if kept, err := m.Root.Stat(path.Join(store, p)); err == nil && (kept.IsDir() || kept.IsFile()) {
			s = kept
		} else {
			return "", fmt.Errorf("%s: nothing lies there: make it first, or write it into the declaration yourself", p)
		}
		err = nil
	}
	switch {
	case sys.IsLoop(err):
		return "", fmt.Errorf("%s: a directory above it is a symbolic link: name the path that it leads to", p)
	case err != nil:
		return "", err
	case s.IsDir():
		return decl.Directory, nil
	case s.IsFile():
		return decl.File, nil
	case s.IsLink():
		target, _ := m.Root.Readlink(p)
		return "", fmt.Errorf("%s is a symbolic link to %s: keep what it points to", p, target)
	}
	return "", fmt.Errorf("%s is neither a file nor a directory (%s): it has no content to keep", p, fs.FileMode(s.Type()))
}
