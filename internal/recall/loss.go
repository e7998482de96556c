package recall

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"

	"anicca/internal/plan"
	"anicca/internal/root"
)

// Loss is one thing that a session had made or changed, and that the running root does not have so.
type Loss struct {
	Change
	Actions []Action `json:"actions"` // that bring it back
}

// volatile is made anew at every boot, or is no part of a root.
var volatile = []string{"/proc", "/sys", "/dev", "/run", "/tmp", "/anicca"}

// Losses tells what the session of an old root had made or changed below p and a reset has dropped, as far as it has not come
// back already. What is kept is left out. V is the old root.
func (m *Machine) Losses(v *View, o root.Old, p string) ([]Loss, error) {
	began, err := m.Open(began(o))
	if err != nil {
		return nil, err
	}
	changes, err := made(began, v, p)
	if err = errors.Join(err, began.Close()); err != nil {
		return nil, err
	}
	var out []Loss
	for _, c := range changes {
		if c.What == Deleted || c.Dir && c.What == Changed { // what lies in a directory is told by itself
			continue
		}
		l, err := m.loss(v, c)
		if err != nil {
			return nil, err
		}
		if len(l.Actions) > 0 {
			out = append(out, l)
		}
	}
	return out, nil
}

// loss says how a change comes back; it has no actions if it need not, or cannot.
func (m *Machine) loss(v *View, c Change) (Loss, error) {
	l := Loss{Change: c}
	if isAside(c.Path) || m.stays(c.Path) {
		return l, nil
	}
	actions, err := m.Restore(v, c.Path, c.Path)
	if errors.Is(err, ErrSocket) || errors.Is(err, errKeptIn) { // what is kept is no loss
		return l, nil
	}
	l.Actions = slices.DeleteFunc(actions, func(a Action) bool { return m.stays(a.To) || m.Missing && a.What != Bring })
	return l, err
}

// Inside tells what a directory has that is lost as a whole, each by itself. The directory comes back with any of it.
func (m *Machine) Inside(v *View, dir Loss) ([]Loss, error) {
	names, err := v.list(dir.Path)
	if err != nil {
		return nil, err
	}
	var out []Loss
	for _, n := range names {
		p := path.Join(dir.Path, n)
		s, err := v.Stat(p)
		if err != nil || s == nil {
			return nil, errors.Join(err, fmt.Errorf("%s has no %s any more", v.Name, p))
		}
		c := Change{Path: p, What: Added, Dir: s.IsDir()}
		w := walker{to: v}
		if err := w.count(v, p, s, &c); err != nil {
			return nil, err
		}
		l, err := m.loss(v, c)
		if err != nil {
			return nil, err
		}
		if len(l.Actions) > 0 {
			out = append(out, l)
		}
	}
	return out, nil
}

// Whole reports whether it is a directory with all in it.
func (l Loss) Whole() bool { return l.Dir && l.What == Added }

// made is what differs at p, or below it where that is a directory.
func made(began, v *View, p string) ([]Change, error) {
	s, err := v.Stat(p)
	if err != nil || s == nil {
		return nil, err
	}
	if s.IsDir() {
		if was, err := began.Stat(p); err != nil || was == nil {
			w := walker{to: v}
			err = errors.Join(err, w.whole(v, p, s, Added))
			return w.changes, err
		}
		changes, _, err := Changes(began, v, p)
		return changes, err
	}
	d, err := Compare(began, v, p)
	if err != nil || d.Same {
		return nil, err
	}
	c := Change{Path: p, What: Changed, Files: 1, Size: s.Size}
	if d.Before == nil {
		c.What = Added
	}
	return []Change{c}, nil
}

// began is the place that a session began as; the newest base where that is not known.
func began(o root.Old) string {
	switch {
	case o.From != "":
		return o.From
	case o.Base != 0:
		return Base + ":" + strconv.Itoa(o.Base)
	}
	return Base
}

// stays reports whether no reset drops what lies at p.
func (m *Machine) stays(p string) bool {
	if m.entry(p) != nil {
		return true
	}
	for up := p; up != "/"; up = path.Dir(up) {
		if slices.Contains(volatile, up) || up == m.Disk.Ledger().StorePath {
			return true
		}
		if m.Boot != nil && slices.ContainsFunc(m.Boot.Stores, func(s plan.BootStore) bool { return s.Path == up }) {
			return true
		}
	}
	return false
}
