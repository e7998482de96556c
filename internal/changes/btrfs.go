package changes

import (
	"errors"
	"path"
	"slices"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// ErrUnrelated says that the changes cannot be asked of the filesystem: root and base have no common origin. [Walk] can tell them.
var ErrUnrelated = errors.New("root and base are not snapshots of one subvolume")

// Btrfs finds the changes between a base and a root that are snapshots one of the other, or of one subvolume, at any distance.
// Both must be looked at where nothing is mounted over them, as in the filesystem's top level. It needs root.
//
// A snapshot shares its tree with what it was made of, until something is written: then the leaf that holds it is written anew,
// with the number of the transaction. So inodes that lie in newer leaves than the snapshot are all that can have changed, and
// inodes of the same number are the same object in both. What is not on the disk yet is not in the tree: it is written out first.
func Btrfs(base, root *sys.Tree, skip Skip) ([]review.Change, error) {
	if err := root.Sync(); err != nil {
		return nil, err
	}
	b, err := newBtrfs(base, root, skip)
	if err != nil {
		return nil, err
	}
	if err := b.scan(); err != nil {
		return nil, err
	}
	if err := b.compare(); err != nil {
		return nil, err
	}
	if err := b.nested(); err != nil {
		return nil, err
	}
	return b.sorted(), nil
}

type btrfs struct {
	finder
	was, now volume
	since    uint64 // transactions from here on are looked at
	both     bool   // in the base too: the root is no descendant of it
	changed  map[uint64]bool
	places   map[uint64]place
}

// place is where a directory of the root lies.
type place struct {
	path string
	same bool // the base has it in the same place, and it is not passed over
}

func newBtrfs(base, root *sys.Tree, skip Skip) (*btrfs, error) {
	b := &btrfs{finder: finder{skip: skip}, changed: map[uint64]bool{}, places: map[uint64]place{sys.TopInode: {"/", true}}}
	b.finder.same = b.sameFile
	err := errors.Join(b.was.look(base), b.now.look(root))
	if err == nil {
		b.since, b.both, err = origin(b.now.small, b.was.info, b.now.info)
	}
	return b, err
}

// origin finds how a root comes from a base, and returns the transaction since which they can differ, and whether what was written to
// the base since then counts too.
func origin(s *sys.Search, base, root sys.Subvolume) (since uint64, both bool, err error) {
	all, err := s.Volumes()
	if err != nil {
		return 0, false, err
	}
	a, b := line(all, base), line(all, root)
	for i, v := range b {
		j := slices.IndexFunc(a, func(o sys.Subvolume) bool { return o.UUID == v.UUID })
		switch {
		case j < 0:
			continue
		case j == 0 && base.ReadOnly:
			// All of the base was written until it was made, and never since, though its generation grows with every snapshot of it.
			return base.Transaction + 1, false, nil
		}
		// What is written while a snapshot is made, in the same transaction, can come after it.
		since := ^uint64(0)
		if i > 0 {
			since = b[i-1].Transaction
		}
		if j > 0 {
			since = min(since, a[j-1].Transaction)
		}
		return since, true, nil
	}
	return 0, false, ErrUnrelated
}

// line lists a subvolume and what it is a snapshot of, and so on; of the last, which may be gone, only the UUID is known.
func line(all []sys.Subvolume, v sys.Subvolume) []sys.Subvolume {
	out := []sys.Subvolume{v}
	for v.Parent != "" && len(out) <= len(all)+1 {
		i := slices.IndexFunc(all, func(o sys.Subvolume) bool { return o.UUID == v.Parent })
		if i < 0 {
			return append(out, sys.Subvolume{UUID: v.Parent})
		}
		v = all[i]
		out = append(out, v)
	}
	return out
}

// compare looks at every inode that may have changed.
func (b *btrfs) compare() error {
	inodes := make([]uint64, 0, len(b.changed))
	for i := range b.changed {
		inodes = append(inodes, i)
	}
	slices.Sort(inodes)
	for _, i := range inodes {
		if err := gone(b.inode(i)); err != nil {
			return err
		}
	}
	return nil
}

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

// nested compares the subvolumes that lie in the root and have their place since before the base was made: there is an empty directory
// for each in the base, and what happens in them does not touch the root's tree.
func (b *btrfs) nested() error {
	all, err := b.now.Nested(".")
	if err != nil {
		return err
	}
	for _, p := range all {
		at := "/" + p
		if skipped(b.skip, at) {
			continue
		}
		same, err := b.standsIn(at)
		if err == nil && same {
			err = b.byPath(at)
		}
		if err = gone(err); err != nil {
			return err
		}
	}
	return nil
}

// standsIn reports whether the base has the very entry of a directory that the root has.
func (b *btrfs) standsIn(at string) (bool, error) {
	dir, err := b.now.one(path.Dir(at))
	if err != nil {
		return false, err
	}
	if pl, err := b.place(dir.Ino); err != nil || !pl.same || pl.path != path.Dir(at) {
		return false, err
	}
	was, err := b.was.links(dir.Ino)
	if err != nil {
		return false, err
	}
	now, err := b.now.links(dir.Ino)
	if err != nil {
		return false, err
	}
	is := func(l sys.Link) bool { return l.Name == path.Base(at) }
	i, j := slices.IndexFunc(was, is), slices.IndexFunc(now, is)
	return i >= 0 && j >= 0 && was[i].Inode == now[j].Inode && was[i].Subvolume == now[j].Subvolume, nil
}

func skipped(skip Skip, p string) bool {
	for ; p != "/"; p = path.Dir(p) {
		if skip(p) {
			return true
		}
	}
	return false
}
