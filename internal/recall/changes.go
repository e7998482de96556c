package recall

import (
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
	err = w.dir(p)
	return w.changes, w.passed, err
}

type walker struct {
	from, to *View
	changes  []Change
	passed   []string
}

func (w *walker) dir(p string) error {
	var names []string
	for _, v := range []*View{w.from, w.to} {
		s, err := v.Stat(p)
		if err != nil {
			return err
		}
		if s == nil || !s.IsDir() {
			continue
		}
		some, err := v.list(p)
		if err != nil {
			return err
		}
		names = append(names, some...)
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		if err := w.object(path.Join(p, n), p); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) object(p, dir string) error {
	away, err := w.away(p, dir)
	if err != nil || away {
		return err
	}
	a, err := w.from.Stat(p)
	if err != nil {
		return err
	}
	b, err := w.to.Stat(p)
	if err != nil {
		return err
	}
	switch {
	case a == nil && b == nil: // it goes on while we look
		return nil
	case a == nil:
		return w.whole(w.to, p, b, Added)
	case b == nil:
		return w.whole(w.from, p, a, Deleted)
	case a.IsDir() && b.IsDir():
		diff, err := meta(w.from, w.to, p)
		if err != nil {
			return err
		}
		if len(diff) > 0 {
			w.changes = append(w.changes, Change{Path: p, What: Changed, Dir: true, Meta: diff})
		}
		return w.dir(p)
	}
	is, err := same(w.from, w.to, p, a, b)
	if err != nil || is {
		return err
	}
	diff, err := meta(w.from, w.to, p)
	w.changes = append(w.changes, Change{Path: p, What: Changed, Files: 1, Size: b.Size, Meta: diff})
	return err
}

// away reports whether p is not compared, as something is mounted there that the other place knows nothing of.
func (w *walker) away(p, dir string) (bool, error) {
	for _, v := range []struct{ here, other *View }{{w.from, w.to}, {w.to, w.from}} {
		away, err := v.here.elsewhere(p, dir)
		if err != nil {
			return false, err
		}
		if away && !slices.Contains(v.other.parts, p) && !(v.other.shared && v.other.kept == nil) {
			w.passed = append(w.passed, p)
			return true, nil
		}
	}
	return false, nil
}

// whole tells a change that is about an object with all below it.
func (w *walker) whole(v *View, p string, s *sys.Stat, what string) error {
	c := Change{Path: p, What: what, Dir: s.IsDir()}
	if !s.IsDir() {
		c.Files, c.Size = 1, s.Size
	} else if err := w.count(v, p, &c); err != nil {
		return err
	}
	w.changes = append(w.changes, c)
	return nil
}

func (w *walker) count(v *View, p string, c *Change) error {
	names, err := v.list(p)
	if err != nil {
		return err
	}
	for _, n := range names {
		below := path.Join(p, n)
		away, err := v.elsewhere(below, p)
		if err != nil {
			return err
		}
		if away {
			w.passed = append(w.passed, below)
			continue
		}
		s, err := v.Stat(below)
		switch {
		case err != nil:
			return err
		case s == nil:
		case s.IsDir():
			if err := w.count(v, below, c); err != nil {
				return err
			}
		default:
			c.Files++
			c.Size += s.Size
		}
	}
	return nil
}
