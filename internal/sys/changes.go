package sys

import (
	"errors"
	"io/fs"
	"path"
	"slices"
)

// Change is one thing that differs between a base and the root that was made from it.
type Change struct {
	Path  string
	What  string // added, modified or deleted
	Files int    // how many files that is: an added or deleted directory is one change
	Size  int64  // of them, in bytes
}

// The words of a [Change].
const (
	Added    = "added"
	Modified = "modified"
	Deleted  = "deleted"
)

// Changes compares a root with its base and tells every change, in the order of their paths.
// What is mounted in the root, and what skip names, is passed over. A file counts as modified if its content or its owner or
// mode differ; where size and time of change are the same, its content is taken to be the same.
func Changes(base, root *Tree, skip func(p string) bool, tell func(Change)) error {
	s, err := fstat(root.fd, root.Name())
	if err != nil {
		return err
	}
	w := changes{skip: skip, tell: tell, mount: s.MountID}
	return w.dir(base, root, "/")
}

type changes struct {
	skip  func(string) bool
	tell  func(Change)
	mount uint64 // of the root
}

func (w *changes) dir(base, root *Tree, p string) error {
	names, err := root.List(".")
	if err != nil {
		return err
	}
	old, err := base.List(".")
	if err != nil {
		return err
	}
	names = append(names, old...)
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		at := path.Join(p, n)
		if IsTemp(n) || w.skip(at) {
			continue
		}
		if err := w.object(base, root, n, at); err != nil && !errors.Is(err, fs.ErrNotExist) { // it goes on while we look
			return err
		}
	}
	return nil
}

func (w *changes) object(base, root *Tree, name, at string) error {
	r, rerr := root.Stat(name)
	b, berr := base.Stat(name)
	there, was := rerr == nil, berr == nil
	switch {
	case rerr != nil && !errors.Is(rerr, fs.ErrNotExist):
		return rerr
	case berr != nil && !errors.Is(berr, fs.ErrNotExist):
		return berr
	case there && r.MountID != w.mount:
		return nil
	case there && !was:
		return w.whole(root, name, Change{Path: at, What: Added})
	case was && !there:
		return w.whole(base, name, Change{Path: at, What: Deleted})
	case !there:
		return nil
	}
	same := r.Mode == b.Mode && r.Uid == b.Uid && r.Gid == b.Gid
	switch {
	case r.Type() != b.Type():
		same = false
	case r.IsDir():
		if !same {
			w.tell(Change{Path: at, What: Modified})
		}
		return w.both(base, root, name, at)
	case r.IsLink():
		x, err1 := root.Readlink(name)
		y, err2 := base.Readlink(name)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		same = x == y
	case r.IsFile() && same:
		same = r.Size == b.Size
		if same && r.Mtim != b.Mtim {
			var err error
			if same, err = sameContent(root, name, base, name, r.Size); err != nil {
				return err
			}
		}
	}
	if !same {
		w.tell(Change{Path: at, What: Modified, Files: 1, Size: r.Size})
	}
	return nil
}

func (w *changes) both(base, root *Tree, name, at string) error {
	r, err := root.Sub(name)
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := base.Sub(name)
	if err != nil {
		return err
	}
	defer b.Close()
	return w.dir(b, r, at)
}

// whole tells a change that is about an object with all below it.
func (w *changes) whole(t *Tree, name string, c Change) error {
	err := w.count(t, name, c.Path, &c)
	w.tell(c)
	return err
}

func (w *changes) count(t *Tree, name, at string, c *Change) error {
	s, err := t.Stat(name)
	if err != nil {
		return err
	}
	if c.What == Added && (s.MountID != w.mount || w.skip(at)) {
		return nil
	}
	if !s.IsDir() {
		c.Files++
		c.Size += s.Size
		return nil
	}
	sub, err := t.Sub(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	names, err := sub.List(".")
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := w.count(sub, n, path.Join(at, n), c); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
