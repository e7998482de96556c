// Package changes finds what differs between a base and the root that began as it: what the next reset would drop.
//
// Each backend has its own way: [Btrfs] asks the filesystem for what was written since and [Overlay] looks at the upper directory, so
// that both cost what was changed, not what is there; [Walk] goes through both trees and works everywhere. All give the same answer. None follows a link,
// leaves the root's filesystem, or writes; what vanishes while it is looked at is passed over.
package changes

import (
	"errors"
	"io/fs"
	"path"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// Find is a way to find the changes, sorted by path, between a base and a root.
type Find func(base, root *sys.Tree, look Look) ([]review.Change, error)

// finder collects changes.
type finder struct {
	Look
	same  func(was, now node) (bool, error) // whether two objects of one type hold the same
	found []review.Change
}

func (f *finder) sorted() []review.Change {
	review.Sort(f.found)
	return f.found
}

func (f *finder) passes(at string) bool { return sys.IsTemp(path.Base(at)) || f.skips(at) }

// selves compares two roots themselves.
func (f *finder) selves(was, now view) error {
	a, err := was.self()
	if err != nil {
		return err
	}
	b, err := now.self()
	if err != nil {
		return err
	}
	return f.object(a, b, "/")
}

// dirs compares all that lies in two directories.
func (f *finder) dirs(was, now view, at string) error {
	a, err := was.nodes()
	if err != nil {
		return gone(err)
	}
	b, err := now.nodes()
	if err != nil {
		return gone(err)
	}
	return merge(a, b, func(a, b *node) error {
		name := either(a, b).Name
		p := path.Join(at, name)
		switch {
		case f.passes(p), a != nil && a.foreign, b != nil && b.foreign:
			return nil
		case a == nil:
			return f.whole(now, *b, p, review.Added)
		case b == nil:
			return f.whole(was, *a, p, review.Deleted)
		}
		return f.pair(was, *a, now, *b, p)
	})
}

func either(a, b *node) *node {
	if a != nil {
		return a
	}
	return b
}

// merge goes through two sorted lists at once.
func merge(a, b []node, f func(a, b *node) error) error {
	for len(a) > 0 || len(b) > 0 {
		var x, y *node
		if len(b) == 0 || len(a) > 0 && a[0].Name <= b[0].Name {
			x = &a[0]
		}
		if len(a) == 0 || len(b) > 0 && b[0].Name <= a[0].Name {
			y = &b[0]
		}
		if x != nil {
			a = a[1:]
		}
		if y != nil {
			b = b[1:]
		}
		if err := gone(f(x, y)); err != nil {
			return err
		}
	}
	return nil
}

// pair compares two objects of one path, with all below them.
func (f *finder) pair(was view, a node, now view, b node, at string) error {
	switch {
	case a.Type() != b.Type():
		return f.whole(now, b, at, review.Modified)
	case !a.IsDir():
		return f.object(a, b, at)
	}
	if err := f.object(a, b, at); err != nil {
		return err
	}
	x, err := was.open(a)
	if err != nil {
		return err
	}
	defer x.close()
	y, err := now.open(b)
	if err != nil {
		return err
	}
	defer y.close()
	return f.dirs(x, y, at)
}

// object compares two objects of one type themselves.
func (f *finder) object(a, b node, at string) error {
	d := ofStat(a.Stat, b.Stat)
	x, err := a.attributes()
	if err != nil {
		return err
	}
	y, err := b.attributes()
	if err != nil {
		return err
	}
	d |= ofXattrs(x, y)
	same, err := f.same(a, b)
	if err != nil {
		return err
	}
	if !same {
		d |= review.Content
	}
	if d != 0 {
		f.modified(at, d, b.Stat)
	}
	return nil
}

func (f *finder) modified(at string, d review.Differs, s sys.Stat) {
	c := describe(at, review.Modified, s)
	c.Differs = d
	if !s.IsDir() {
		c.Files, c.Size = 1, s.Size
	}
	f.found = append(f.found, c)
}

// gone takes away the error of something that has vanished while it was looked at.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || sys.IsNotDir(err) || sys.IsLoop(err) {
		return nil
	}
	return err
}
