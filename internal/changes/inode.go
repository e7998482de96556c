package changes

import (
	"path"
	"slices"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// inode compares one inode in all places where base and root both have it. Where only one has, that is seen in its directory.
func (b *btrfs) inode(i uint64) error {
	now, err := b.now.object(i)
	if err != nil || now == nil {
		return err
	}
	was, err := b.was.object(i)
	if err != nil || was == nil {
		return err
	}
	if now.IsDir() && was.IsDir() {
		pl, err := b.place(i)
		if err != nil || !pl.same {
			return err
		}
		if d, err := b.differs(was, now, pl.path); err != nil {
			return err
		} else if d != 0 {
			b.modified(pl.path, d, now.Stat)
		}
		return b.directory(i, pl.path)
	}
	var d review.Differs
	first := true
	for _, n := range now.names {
		if !slices.Contains(was.names, n) {
			continue
		}
		dir, err := b.place(n.Dir)
		if err != nil {
			return err
		}
		at := path.Join(dir.path, n.Name)
		if !dir.same || b.passes(at) {
			continue
		}
		if first {
			first = false
			if d, err = b.differs(was, now, at); err != nil {
				return err
			}
		}
		switch {
		case d == review.Type:
			err = b.byPath(at)
		case d != 0:
			b.modified(at, d, now.Stat)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// differs compares two objects, which lie at one path.
func (b *btrfs) differs(was, now *object, at string) (review.Differs, error) {
	if was.Type() != now.Type() {
		return review.Type, nil
	}
	d := ofStat(was.Stat, now.Stat) | ofXattrs(was.xattrs, now.xattrs)
	same, err := b.sameFile(was.node(b.was, at), now.node(b.now, at))
	if !same {
		d |= review.Content
	}
	return d, err
}

// directory compares the entries of a directory that base and root have in the same place.
func (b *btrfs) directory(i uint64, at string) error {
	a, err := b.was.entries(i)
	if err != nil {
		return err
	}
	c, err := b.now.entries(i)
	if err != nil {
		return err
	}
	was, now := unlike(a, c)
	old := map[string]sys.Link{}
	for _, l := range was {
		old[l.Name] = l
	}
	for _, l := range now {
		p := path.Join(at, l.Name)
		o, had := old[l.Name]
		delete(old, l.Name)
		switch {
		case b.passes(p):
		case !had:
			err = b.entry(b.now, l, p, review.Added)
		case o.Inode != l.Inode || o.Subvolume != l.Subvolume: // else it went away and came back: the inode itself was changed then
			err = b.replaced(o, l, p)
		}
		if err = gone(err); err != nil {
			return err
		}
	}
	for name, l := range old {
		if p := path.Join(at, name); !b.passes(p) {
			if err := gone(b.entry(b.was, l, p, review.Deleted)); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry tells of an entry that only one side has.
func (b *btrfs) entry(v volume, l sys.Link, at string, what review.What) error {
	if l.Type == sys.LinkTypeDir {
		n, err := v.one(at)
		if err != nil {
			return err
		}
		return b.whole(v, n, at, what)
	}
	o, err := v.object(l.Inode)
	if err != nil || o == nil {
		return err
	}
	return b.whole(v, o.node(v, at), at, what)
}

// replaced compares two objects that have a path one after the other.
func (b *btrfs) replaced(was, now sys.Link, at string) error {
	if was.Type == sys.LinkTypeDir || now.Type == sys.LinkTypeDir {
		return b.byPath(at)
	}
	x, err := b.was.object(was.Inode)
	if err != nil || x == nil {
		return err
	}
	y, err := b.now.object(now.Inode)
	if err != nil || y == nil {
		return err
	}
	switch d, err := b.differs(x, y, at); {
	case err != nil:
		return err
	case d == review.Type:
		return b.byPath(at)
	case d != 0:
		b.modified(at, d, y.Stat)
	}
	return nil
}

// byPath compares what lies at a path in both, with all below it.
func (b *btrfs) byPath(at string) error {
	was, err := b.was.one(at)
	if err != nil {
		return err
	}
	now, err := b.now.one(at)
	if err != nil {
		return err
	}
	return b.pair(b.was, was, b.now, now, at)
}
