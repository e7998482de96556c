package sys

import (
	"encoding/binary"
	"iter"
	"unsafe"
)

const btrfsTreeSearch = 0xc0709411 // BTRFS_IOC_TREE_SEARCH_V2

// Key is where an item stands in a tree of btrfs; trees are sorted by it.
type Key struct {
	Object uint64 // mostly an inode number
	Type   uint8
	Offset uint64
}

// Types of items, of linux/btrfs_tree.h.
const (
	InodeItem   = 1
	InodeRef    = 12
	InodeExtRef = 13
	XattrItem   = 24
	DirItem     = 84
	DirIndex    = 96
	ExtentData  = 108
	RootItem    = 132
)

// TopInode is the inode number of a subvolume's top directory.
const TopInode = btrfsFirstInode

// rootTree is the tree that lists all others.
const rootTree = 1

// Item is one item of a tree. Data is valid until the next one only.
type Item struct {
	Key
	Data []byte
}

// Search reads items out of the trees of a btrfs, which only root may. It is not for more than one goroutine.
// What was not written to the tree yet is not seen: [Tree.Sync] comes first.
type Search struct {
	t   *Tree
	buf []byte // struct btrfs_ioctl_search_args_v2: the key, the size, then what was found
	err error
}

const searchHead, itemHead = 112, 32

// largestItem is a bound for the data of an item: BTRFS_MAX_METADATA_BLOCKSIZE.
const largestItem = 64 << 10

// Search begins to search the filesystem of a tree. The size is how much of it is read at once; the room for one item more is added.
func (t *Tree) Search(size int) *Search {
	return &Search{t: t, buf: make([]byte, searchHead+size+itemHead+largestItem+1)}
}

// Err is the error that ended the last search.
func (s *Search) Err() error { return s.err }

// Items finds the items of the subvolume of the search's tree from one key up to another, both included, that lie in a leaf that was
// written in the transaction since or later: neighbours of what was changed come along, and their keys are in order.
func (s *Search) Items(from, to Key, since uint64) iter.Seq[Item] { return s.items(0, from, to, since) }

func (s *Search) items(tree uint64, from, to Key, since uint64) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		s.err = nil
		le := binary.LittleEndian
		for {
			k := s.buf
			for i, v := range []uint64{tree, from.Object, to.Object, from.Offset, to.Offset, since, ^uint64(0)} {
				le.PutUint64(k[8*i:], v)
			}
			le.PutUint32(k[56:], uint32(from.Type))
			le.PutUint32(k[60:], uint32(to.Type))
			le.PutUint32(k[64:], ^uint32(0))
			clear(k[68:104])
			le.PutUint64(k[104:], uint64(len(s.buf)-searchHead))
			if err := ioctl(s.t.fd, btrfsTreeSearch, unsafe.Pointer(&s.buf[0])); err != nil {
				s.err = wrap("tree search", s.t.Name(), err)
				return
			}
			n := int(le.Uint32(k[64:]))
			if n == 0 {
				return
			}
			at := searchHead
			for range n {
				h := s.buf[at:]
				from = Key{le.Uint64(h[8:]), uint8(le.Uint32(h[24:])), le.Uint64(h[16:])}
				end := itemHead + int(le.Uint32(h[28:]))
				if !yield(Item{from, h[itemHead:end:end]}) {
					return
				}
				at += end
			}
			// The kernel ends early only where the next item has no room.
			if len(s.buf)-at > itemHead+largestItem || from == to || !from.next() {
				return
			}
		}
	}
}

// next moves to the key behind; there is none behind the last.
func (k *Key) next() bool {
	if k.Offset++; k.Offset == 0 {
		if k.Type++; k.Type == 0 {
			k.Object++
			return k.Object != 0
		}
	}
	return true
}

// Volumes lists all subvolumes of the filesystem.
func (s *Search) Volumes() ([]Subvolume, error) {
	var out []Subvolume
	le := binary.LittleEndian
	for i := range s.items(rootTree, Key{5, RootItem, 0}, Key{^uint64(0), RootItem, ^uint64(0)}, 0) {
		b := i.Data // struct btrfs_root_item; older ones end before the UUIDs
		if i.Type != RootItem || len(b) < 439 {
			continue
		}
		out = append(out, Subvolume{
			ReadOnly: le.Uint64(b[208:])&1 != 0, UUID: uuid(b[247:263]), Parent: uuid(b[263:279]), Transaction: le.Uint64(b[303:]),
		})
	}
	return out, s.err
}
