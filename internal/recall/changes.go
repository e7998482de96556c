package recall

import (
	"errors"
	"io/fs"
	"path"
	"slices"

	"anicca/internal/sys"
)

// Change is one object below a directory that differs between two places.
type Change struct {
	Path  string   `json:"path"`
	What  string   `json:"what"`            // added, changed or deleted
	Dir   bool     `json:"dir,omitempty"`   // a directory; if it was added or deleted, with all in it
	Files int      `json:"files,omitempty"` // that it stands for
	Size  int64    `json:"size"`            // of these, in bytes
	Meta  []string `json:"meta,omitempty"`  // what of its metadata differs
}

// The words of a [Change].
const (
	Added   = "added"
	Changed = "changed"
	Deleted = "deleted"
)

// Changes compares all that lies below the directory p. An added or deleted directory is one change. What is mounted in the
// running root, and is no part of the other place, is passed over and named.
func Changes(from, to *View, p string) (changes []Change, passed []string, err error) {
	w := walker{from: from, to: to}
	a, err := from.Stat(p)
	if err != nil {
		return nil, nil, err
	}
	b, err := to.Stat(p)
	if err != nil {
		return nil, nil, err
	}
	err = w.dir(p, a, b)
	return w.changes, w.passed, err
}

type walker struct {
	from, to *View
	changes  []Change
	passed   []string
}

// dir compares what lies in the directory p, which was found in one place or in both.
func (w *walker) dir(p string, a, b *sys.Stat) error {
	var names []string
	for _, x := range []struct {
		v *View
		s *sys.Stat
	}{{w.from, a}, {w.to, b}} {
		if x.s == nil || !x.s.IsDir() {
			continue
		}
		some, err := x.v.list(p)
		if err := w.pass(p, err); err != nil {
			return err
		}
		names = append(names, some...)
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		at := path.Join(p, n)
		if err := w.pass(at, w.object(at, a, b)); err != nil {
			return err
		}
	}
	return nil
}

// pass takes away an error about one object that need not stop the rest.
func (w *walker) pass(p string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		w.passed = append(w.passed, p)
	}
	return passing(err)
}

func (w *walker) object(p string, adir, bdir *sys.Stat) error {
	a, err := w.from.Stat(p)
	if err != nil {
		return err
	}
	b, err := w.to.Stat(p)
	if err != nil {
		return err
	}
	if w.away(w.from, w.to, p, a, adir) || w.away(w.to, w.from, p, b, bdir) {
		w.passed = append(w.passed, p)
		return nil
	}
	switch {
	case a == nil && b == nil: // it goes on while we look
		return nil
	case a == nil:
		return w.whole(w.to, p, b, Added)
	case b == nil:
		return w.whole(w.from, p, a, Deleted)
	}
	is, diff, err := same(w.from, w.to, p, a, b, false)
	if err != nil {
		return err
	}
	both := a.IsDir() && b.IsDir()
	if !is {
		c := Change{Path: p, What: Changed, Dir: both, Meta: diff}
		if !both {
			c.Files, c.Size = 1, b.Size
		}
		w.changes = append(w.changes, c)
	}
	if both {
		return w.dir(p, a, b)
	}
	return nil
}

// away reports whether p is not compared, as something is mounted there that the other place knows nothing of.
func (w *walker) away(v, other *View, p string, s, dir *sys.Stat) bool {
	return s != nil && dir != nil && v.elsewhere(s, dir) && !slices.Contains(other.parts, p)
}

// whole tells a change that is about an object with all below it.
func (w *walker) whole(v *View, p string, s *sys.Stat, what string) error {
	c := Change{Path: p, What: what, Dir: s.IsDir()}
	err := w.count(v, p, s, &c)
	w.changes = append(w.changes, c)
	return err
}

func (w *walker) count(v *View, p string, s *sys.Stat, c *Change) error {
	if !s.IsDir() {
		c.Files++
		c.Size += s.Size
		return nil
	}
	names, err := v.list(p)
	if err := w.pass(p, err); err != nil {
		return err
	}
	for _, n := range names {
		at := path.Join(p, n)
		below, err := v.Stat(at)
		switch {
		case err != nil:
			err = w.pass(at, err)
		case below == nil:
		case v.elsewhere(below, s):
			w.passed = append(w.passed, at)
		default:
			err = w.count(v, at, below, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
