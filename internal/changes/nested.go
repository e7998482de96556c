package changes

import (
	"path"
	"slices"

	"anicca/internal/sys"
)

// nested compares the subvolumes that lie in the root and have their place since before the base was made: there is an empty directory
// for each in the base, and what happens in them does not touch the root's tree.
func (b *btrfs) nested() error {
	all, err := b.now.Nested(".")
	if err != nil {
		return err
	}
	for _, p := range all {
		at := "/" + p
		if b.skipsAbove(at) {
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

// skipsAbove reports whether a path is passed over, or what it lies in.
func (b *btrfs) skipsAbove(p string) bool {
	for ; p != "/"; p = path.Dir(p) {
		if b.skips(p) {
			return true
		}
	}
	return false
}
