package recall

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Undo says what has to be done for p to be as a base has it. It is nil if it is.
func (m *Machine) Undo(base *View, p string) (*Action, error) {
	if e := m.entry(p); e != nil {
		return nil, fmt.Errorf("%s is kept, so that its store is the truth, and not the base: 'anicca log %s' shows what there was, 'anicca forget %s' keeps it no longer", p, p, e.Path)
	}
	if err := m.holdsKept(p); err != nil {
		return nil, err
	}
	here, err := m.Open(Root)
	if err != nil {
		return nil, err
	}
	switch at, err := here.foreign(base, p); {
	case err != nil:
		return nil, err
	case at != "":
		return nil, fmt.Errorf("%s lies on what is mounted at %s, which no base has: it is not forgotten either", p, at)
	}
	d, err := Compare(here, base, p)
	if err != nil || d.Same {
		return nil, err
	}
	a := &Action{What: Replace, Path: p, To: p, Is: d.After, There: d.Before}
	switch {
	case d.Before == nil:
		a.What = Bring
		return a, nil
	case d.After == nil:
		a.What = Remove
	}
	return a, m.replaceable(p)
}

// holdsKept reports with an error if what is kept lies in p: it would not be where it belongs any more, and a file that is carried
// would be taken to be deleted.
func (m *Machine) holdsKept(p string) error {
	if m.Boot == nil {
		return nil
	}
	for _, e := range m.Boot.Entries {
		if e.Path != p && (p == "/" || strings.HasPrefix(e.Path, p+"/")) {
			return fmt.Errorf("%s %w %s: name what you want back, without it", e.Path, errKeptIn, p)
		}
	}
	return nil
}

var errKeptIn = errors.New("is kept and lies in")

// foreign returns where the filesystem is mounted that p lies on, if that is neither the root nor a part that the base has too.
func (v *View) foreign(base *View, p string) (string, error) {
	for ; p != "/"; p = path.Dir(p) {
		s, err := v.Stat(p)
		if err != nil {
			return "", err
		}
		dir, err := v.Stat(path.Dir(p))
		if err != nil {
			return "", err
		}
		if s != nil && dir != nil && v.elsewhere(s, dir) && base.part(p) != p {
			return p, nil
		}
	}
	return "", nil
}
