package changes

import (
	"slices"

	"anicca/internal/sys"
)

// buffer is how much of a tree is read at once.
const buffer = 1 << 20

// scan finds the inodes that may have changed.
func (b *btrfs) scan() error {
	if err := b.scanIn(b.now); err != nil || !b.both {
		return err
	}
	return b.scanIn(b.was)
}

// scanIn goes through the leaves that were written since. Of what comes along, most was only read, or is a neighbour of something that was changed:
// it is left out at once, so that memory is needed for changes alone.
func (b *btrfs) scanIn(v volume) error {
	var inode sys.Inode
	var at uint64
	var data, known bool
	var names []sys.Link
	flush := func() error {
		if len(names) > 0 {
			b.added[at], names = slices.Clone(names), names[:0]
		}
		if !known || inode.Transaction < b.since {
			return nil
		}
		if data || b.both {
			b.changed[at] = true
			return nil
		}
		was, ok, err := b.was.inode(at)
		if err == nil && ok && !was.Untouched(inode) {
			b.changed[at] = true
		}
		return err
	}
	s := v.Search(buffer)
	for i := range s.Items(key(sys.TopInode, 0), sys.Key{Object: ^uint64(255), Type: ^uint8(0), Offset: ^uint64(0)}, b.since) {
		if i.Object != at {
			if err := flush(); err != nil {
				return err
			}
			at, known, data = i.Object, false, false
		}
		switch i.Type {
		case sys.InodeItem:
			inode, known = sys.ParseInode(i.Data)
		case sys.DirIndex:
			if i.LinkTransaction() < b.since {
				break
			}
			if !known { // it is always changed together with its names: but who knows
				b.unsure[at] = true
			} else if l, ok := i.Link(); ok && inode.Generation < b.since {
				names = append(names, l)
			}
		case sys.ExtentData:
			data = data || i.ExtentTransaction() >= b.since
		case sys.XattrItem:
			i.Xattrs(func(_ string, _ []byte, trans uint64) { data = data || trans >= b.since })
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	return flush()
}

// inode reads the inode item alone.
func (v *volume) inode(inode uint64) (n sys.Inode, ok bool, err error) {
	for i := range v.small.Items(key(inode, sys.InodeItem), last(inode, sys.InodeItem), 0) {
		n, ok = sys.ParseInode(i.Data)
	}
	return n, ok, v.small.Err()
}
