package sys

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Inode is the inode item of a btrfs, without what only the filesystem needs. Times are as they lie on the disk: seconds
// since 1970 and nanoseconds.
type Inode struct {
	Generation           uint64 // transaction that made it
	Transaction          uint64 // that changed it last
	Size                 uint64
	Links                uint32
	UID, GID, Mode       uint32
	Device               uint64
	ChangeSec, ModifySec int64
	ChangeNs, ModifyNs   uint32
}

// ParseInode decodes the data of an [InodeItem], struct btrfs_inode_item of linux/btrfs_tree.h.
func ParseInode(b []byte) (Inode, bool) {
	if len(b) < 160 {
		return Inode{}, false
	}
	le := binary.LittleEndian
	return Inode{
		Generation: le.Uint64(b), Transaction: le.Uint64(b[8:]), Size: le.Uint64(b[16:]),
		Links: le.Uint32(b[40:]), UID: le.Uint32(b[44:]), GID: le.Uint32(b[48:]), Mode: le.Uint32(b[52:]),
		Device:    le.Uint64(b[56:]),
		ChangeSec: int64(le.Uint64(b[124:])), ChangeNs: le.Uint32(b[132:]),
		ModifySec: int64(le.Uint64(b[136:])), ModifyNs: le.Uint32(b[144:]),
	}, true
}

// Untouched reports whether nothing happened to the inode between both but reads.
func (n Inode) Untouched(o Inode) bool {
	n.Transaction = o.Transaction
	return n == o
}

// Name is one name of an inode: the directory's inode number, and the name in it.
type Name struct {
	Dir  uint64
	Name string
}

// Names decodes an [InodeRef] or [InodeExtRef].
func (i Item) Names() []Name {
	var out []Name
	le := binary.LittleEndian
	dir, head := i.Offset, 10 // index u64, length u16
	if i.Type == InodeExtRef {
		head = 18 // the directory before both
	}
	for b := i.Data; len(b) >= head; {
		if i.Type == InodeExtRef {
			dir = le.Uint64(b)
		}
		end := head + int(le.Uint16(b[head-2:]))
		if end > len(b) {
			break
		}
		out = append(out, Name{dir, string(b[head:end])})
		b = b[end:]
	}
	return out
}

// Link is an entry of a directory.
type Link struct {
	Name      string
	Inode     uint64 // the subvolume's id, if it is one
	Subvolume bool
	Type      uint8 // FT_ of linux/btrfs_tree.h
}

// Links decodes a [DirItem]: the same for all names that have one hash.
func (i Item) Links() []Link {
	var out []Link
	for b := i.Data; ; {
		name, value, _, ok := i.dirItem(b)
		if !ok {
			return out
		}
		out = append(out, Link{Name: name, Inode: binary.LittleEndian.Uint64(b), Subvolume: b[8] == RootItem, Type: b[29]})
		b = b[dirItemHead+len(name)+len(value):]
	}
}

// LinkTransaction is the transaction that wrote a [DirIndex].
func (i Item) LinkTransaction() uint64 {
	if len(i.Data) < dirItemHead {
		return 0
	}
	return binary.LittleEndian.Uint64(i.Data[17:])
}

// LinkTypeDir is the type of a [Link] to a directory.
const LinkTypeDir = 2

// Link decodes a [DirIndex]: struct btrfs_dir_item with the name behind it.
func (i Item) Link() (Link, bool) {
	name, _, _, ok := i.dirItem(i.Data)
	if !ok {
		return Link{}, false
	}
	return Link{Name: name, Inode: binary.LittleEndian.Uint64(i.Data), Subvolume: i.Data[8] == RootItem, Type: i.Data[29]}, true
}

const dirItemHead = 30

func (i Item) dirItem(b []byte) (name string, value []byte, trans uint64, ok bool) {
	if len(b) < dirItemHead {
		return "", nil, 0, false
	}
	le := binary.LittleEndian
	end := dirItemHead + int(le.Uint16(b[27:]))
	all := end + int(le.Uint16(b[25:]))
	if all > len(b) {
		return "", nil, 0, false
	}
	return string(b[dirItemHead:end]), b[end:all], le.Uint64(b[17:]), true
}

// Xattrs calls f with every attribute in an [XattrItem], and the transaction that wrote it. The value is valid meanwhile only.
func (i Item) Xattrs(f func(name string, value []byte, transaction uint64)) {
	for b := i.Data; ; {
		name, value, trans, ok := i.dirItem(b)
		if !ok {
			return
		}
		f(name, value, trans)
		b = b[dirItemHead+len(name)+len(value):]
	}
}

// ExtentTransaction is the transaction that wrote what an [ExtentData] item says.
func (i Item) ExtentTransaction() uint64 {
	if len(i.Data) < 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(i.Data)
}

// Stat is the inode as the kernel describes it, but for the numbers of inode and devices that it lies on.
func (n Inode) Stat() Stat {
	var s Stat
	s.Mode, s.Uid, s.Gid, s.Size = n.Mode, n.UID, n.GID, int64(n.Size)
	set(&s.Nlink, n.Links)
	s.Rdev = unix.Mkdev(uint32(n.Device>>20), uint32(n.Device&(1<<20-1)))
	s.Mtim = unix.NsecToTimespec(n.ModifySec*1e9 + int64(n.ModifyNs))
	s.Ctim = unix.NsecToTimespec(n.ChangeSec*1e9 + int64(n.ChangeNs))
	return s
}

// Extent is where an [ExtentData] item says that a part of a file lies, or its bytes if they are few, with its place in the
// file: two files that have the same have the same content. It is valid until the next item.
func (i Item) Extent() []byte {
	if len(i.Data) < 8 {
		return nil
	}
	out := binary.LittleEndian.AppendUint64(nil, i.Offset)
	return append(out, i.Data[8:]...) // before that, the transaction that wrote it
}
