package changes

import (
	"errors"
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
func Btrfs(base, root *sys.Tree, look Look) ([]review.Change, error) {
	if err := root.Sync(); err != nil {
		return nil, err
	}
	b, err := newBtrfs(base, root, look)
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

func newBtrfs(base, root *sys.Tree, look Look) (*btrfs, error) {
	b := &btrfs{finder: finder{Look: look}, changed: map[uint64]bool{}, places: map[uint64]place{sys.TopInode: {"/", true}}}
	b.finder.same = b.sameFile
	err := errors.Join(b.was.look(base), b.now.look(root))
	if err == nil {
		b.since, b.both, err = origin(b.now.small, b.was.info, b.now.info)
	}
	return b, err
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
