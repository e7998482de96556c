package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of linux/btrfs.h. The layouts of their arguments are the same on all 64-bit machines.
const (
	btrfsSnapCreate   = 0x50009417
	btrfsSubvolCreate = 0x50009418
	btrfsFsInfo       = 0x8400941f
	btrfsSubvolInfo   = 0x81f8943c
	btrfsReadOnly     = 1 << 1
	btrfsFirstInode   = 256 // of every subvolume: its top directory
)

// Subvolume is what btrfs records of one subvolume. UUIDs are lower-case and dashed; empty means none.
type Subvolume struct {
	UUID     string
	Parent   string // UUID of the subvolume that it is a snapshot of
	ReadOnly bool

	Transaction uint64 // that made it: what was written to it later has a higher number
}

// volArgs is struct btrfs_ioctl_vol_args_v2.
type volArgs struct {
	fd, transid, flags uint64
	unused             [4]uint64
	name               [4040]byte
}

func ioctl(fd int, req uintptr, arg unsafe.Pointer) error {
	return retry(func() error {
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, uintptr(arg)); e != 0 {
			return e
		}
		return nil
	})
}

// CreateSubvolume makes an empty subvolume at p.
func (t *Tree) CreateSubvolume(p string) error {
	return t.newSubvolume("subvolume create", p, btrfsSubvolCreate, volArgs{})
}

// Snapshot makes a snapshot of the subvolume src at dst; it commits the filesystem.
// Nested subvolumes appear in it as empty directories.
func (t *Tree) Snapshot(src, dst string, readOnly bool) error {
	s, err := t.Sub(src)
	if err != nil {
		return err
	}
	defer s.Close()
	a := volArgs{fd: uint64(s.fd)}
	if readOnly {
		a.flags = btrfsReadOnly
	}
	return t.newSubvolume("snapshot", dst, btrfsSnapCreate, a)
}

func (t *Tree) newSubvolume(op, p string, req uintptr, a volArgs) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	if len(name) > 255 {
		return wrap(op, t.Path(p), unix.ENAMETOOLONG)
	}
	copy(a.name[:], name)
	return do(op, t.Path(p), func() error { return ioctl(dir.fd, req, unsafe.Pointer(&a)) })
}

// Subvolume describes the subvolume whose top directory is p.
// For a plain directory it fails with an error that says so.
func (t *Tree) Subvolume(p string) (Subvolume, error) {
	s, err := t.Sub(p)
	if err != nil {
		return Subvolume{}, err
	}
	defer s.Close()
	st, err := fstat(s.fd, s.Name())
	if err != nil {
		return Subvolume{}, err
	}
	if st.Ino != btrfsFirstInode {
		return Subvolume{}, wrap("subvolume", t.Path(p), errors.New("is a plain directory, not a btrfs subvolume"))
	}
	var b [504]byte // struct btrfs_ioctl_get_subvol_info_args
	if err := ioctl(s.fd, btrfsSubvolInfo, unsafe.Pointer(&b)); err != nil {
		return Subvolume{}, wrap("subvolume info", t.Path(p), err)
	}
	le := binary.LittleEndian
	return Subvolume{
		ReadOnly: le.Uint64(b[288:])&1 != 0,
		UUID:     uuid(b[296:312]),
		Parent:   uuid(b[312:328]),

		Transaction: le.Uint64(b[352:]),
	}, nil
}

func (t *Tree) btrfsUUID() (string, error) {
	var b [1024]byte // struct btrfs_ioctl_fs_info_args
	if err := ioctl(t.fd, btrfsFsInfo, unsafe.Pointer(&b)); err != nil {
		return "", wrap("btrfs filesystem info", t.Name(), err)
	}
	return uuid(b[16:32]), nil
}

func uuid(b []byte) string {
	if *(*[16]byte)(b) == [16]byte{} {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
