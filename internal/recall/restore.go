package recall

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Action is one object that is brought back, or taken away.
type Action struct {
	What  string   `json:"what"`            // bring, replace or remove
	Path  string   `json:"path"`            // in the place that it comes from
	To    string   `json:"to"`              // in the running root
	Is    *Version `json:"is,omitempty"`    // what comes
	There *Version `json:"there,omitempty"` // what lies there, and differs
	Aside string   `json:"aside,omitempty"` // where that is afterwards
}

// The words of an [Action].
const (
	Bring   = "bring"   // nothing lies there
	Replace = "replace" // what lies there is put aside
	Remove  = "remove"  // it is put aside, and nothing comes in its place
)

// ErrSocket says why there is nothing to bring back.
var ErrSocket = errors.New("is a socket, which only its program can make")

// everNew are directories in which what an old root has is not what was seen there.
var everNew = []string{"/proc", "/sys", "/dev", "/run"}

// Restore says what has to be done for to, in the running root, to hold what the view has at p. A directory that is there already
// gets what it lacks; what only it has stays. It is empty if there is nothing to do.
func (m *Machine) Restore(v *View, p, to string) ([]Action, error) {
	s, err := v.Stat(p)
	if err != nil {
		return nil, err
	}
	switch {
	case s == nil:
		return nil, fmt.Errorf("%s has no %s", v.Name, p)
	case kind(s) == "socket":
		return nil, fmt.Errorf("%s %w", p, ErrSocket)
	case p == to:
		for _, d := range everNew {
			if p == d || strings.HasPrefix(p, d+"/") {
				return nil, fmt.Errorf("what lies in %s is made anew at every boot, and nothing is brought back there: 'anicca restore --to DIR %s' puts it elsewhere", d, p)
			}
		}
	}
	return m.restore(v, p, to, s)
}

func (m *Machine) restore(v *View, p, to string, s *sys.Stat) ([]Action, error) {
	here, err := m.Open(Root)
	if err != nil {
		return nil, err
	}
	there, err := here.Stat(to)
	if err != nil {
		return nil, err
	}
	switch {
	case there == nil:
		return m.actions(v, here, Bring, p, to)
	case s.IsDir() && there.IsDir():
		names, err := v.list(p)
		if err != nil {
			return nil, err
		}
		var out []Action
		for _, n := range names {
			from, at := path.Join(p, n), path.Join(to, n)
			x, err := v.Stat(from)
			if err != nil {
				return nil, err
			}
			is, err := here.Stat(at)
			if errors.Is(err, fs.ErrPermission) {
				continue // what a user has mounted there
			}
			if err != nil {
				return nil, err
			}
			if m.fixed(at) != nil || x == nil || kind(x) == "socket" || is != nil && here.elsewhere(is, there) && v.part(from) != from {
				continue // what is mounted here has its own life
			}
			some, err := m.restore(v, from, at, x)
			if err != nil {
				return nil, err
			}
			out = append(out, some...)
		}
		return out, nil
	}
	moved := *here
	moved.kept = func(string) string { return to } // looks at the one path under the name that the other has
	if is, _, err := same(v, &moved, p, s, there, true); err != nil || is {
		return nil, err
	}
	if err := m.replaceable(to); err != nil {
		return nil, err
	}
	return m.actions(v, here, Replace, p, to)
}

func (m *Machine) actions(v, here *View, what, p, to string) ([]Action, error) {
	a := Action{What: what, Path: p, To: to}
	var err error
	if a.Is, err = v.version(p); err == nil && what != Bring {
		a.There, err = here.version(to)
	}
	return []Action{a}, err
}

// fixed returns the entry that is put in place at p itself as something that must not be replaced; nil if there is none.
func (m *Machine) fixed(p string) *plan.Step {
	if e := m.entry(p); e != nil && e.Path == p && (e.Kind == plan.Bind || e.Kind == plan.Symlink) {
		return e
	}
	return nil
}

// replaceable reports with an error if what lies at p cannot be put aside.
func (m *Machine) replaceable(p string) error {
	if e := m.fixed(p); e != nil {
		return fmt.Errorf("%s is kept (%s): its store is the truth, so restore to %s, or elsewhere, with --to", p, e.Kind, e.Source)
	}
	if err := m.holdsKept(p); err != nil {
		return err
	}
	mounts, err := sys.MountsIn(m.Root.Path(p))
	if err != nil {
		return err
	}
	if len(mounts) > 0 {
		return fmt.Errorf("%s cannot be put aside: something is mounted at %s", p, mounts[0])
	}
	return nil
}
