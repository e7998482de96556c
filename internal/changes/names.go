package changes

import (
	"hash/crc32"
	"sync"

	"anicca/internal/sys"
)

// names returns the entries of a directory that only the base has, and those that only the root has.
func (b *btrfs) names(i uint64, from, to *object) (was, now []sys.Link, err error) {
	if !b.both && !b.unsure[i] {
		was, ok, err := b.removed(i, to.Size-from.Size)
		if ok || err != nil {
			return was, b.added[i], err
		}
	}
	x, err := b.was.entries(i)
	if err != nil {
		return nil, nil, err
	}
	y, err := b.now.entries(i)
	if err != nil {
		return nil, nil, err
	}
	was, now = unlike(x, y)
	return was, now, nil
}

// few is how many names are rather looked up than all listed.
const few = 16

// removed finds, without listing a directory, what only the base has in it, if that is none or has been replaced under its name. All that is new was seen by the
// scan, and the size of a directory of btrfs is twice the length of all names in it: so the sum shows whether anything else went away.
func (b *btrfs) removed(i uint64, grown int64) (was []sys.Link, ok bool, err error) {
	added := b.added[i]
	for _, l := range added {
		grown -= 2 * int64(len(l.Name))
	}
	if grown == 0 || len(added) == 0 || len(added) > few {
		return nil, grown == 0, nil
	}
	for _, l := range added {
		o, has, err := b.was.link(i, l.Name)
		if err != nil {
			return nil, false, err
		}
		if has {
			was = append(was, o)
			grown += 2 * int64(len(o.Name))
		}
	}
	return was, grown == 0, nil
}

// link looks a name up in a directory.
func (v *volume) link(dir uint64, name string) (out sys.Link, ok bool, err error) {
	at := sys.Key{Object: dir, Type: sys.DirItem, Offset: hash(name)}
	for i := range v.small.Items(at, at, 0) {
		for _, l := range i.Links() {
			if l.Name == name {
				out, ok = l, true
			}
		}
	}
	return out, ok, v.small.Err()
}

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// hash is btrfs_name_hash of the kernel: a CRC-32C that begins with ~1 and is not inverted, as others are.
func hash(name string) uint64 {
	return uint64(^crc32.Update(1, castagnoli(), []byte(name)))
}
