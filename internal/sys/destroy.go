package sys

import (
	"path"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	btrfsSnapDestroy = 0x5000940f
	btrfsSetFlags    = 0x4008941a
)

// RemoveSubvolume deletes the subvolume p with all subvolumes in it, innermost first, also read-only ones.
// It returns before the space is free; [Tree.Sync] makes the deletion last.
func (t *Tree) RemoveSubvolume(p string) error {
	s, err := t.Subvolume(p)
	if err != nil {
		return err
	}
	nested, err := t.Nested(p)
	if err != nil {
		return err
	}
	if s.ReadOnly && len(nested) > 0 { // its directories could not let go of them
		if err := t.setWritable(p); err != nil {
			return err
		}
	}
	for _, n := range nested {
		if err := t.RemoveSubvolume(path.Join(p, n)); err != nil {
			return err
		}
	}
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	var a struct { // struct btrfs_ioctl_vol_args
		fd   int64
		name [4088]byte
	}
	copy(a.name[:len(a.name)-1], name)
	return do("subvolume delete", t.Path(p), func() error { return ioctl(dir.fd, btrfsSnapDestroy, unsafe.Pointer(&a)) })
}

func (t *Tree) setWritable(p string) error {
	s, err := t.Sub(p)
	if err != nil {
		return err
	}
	defer s.Close()
	var flags uint64
	return do("subvolume flags", t.Path(p), func() error { return ioctl(s.fd, btrfsSetFlags, unsafe.Pointer(&flags)) })
}

// RemoveTree deletes the directory p with all below it. It stays on p's own mount.
func (t *Tree) RemoveTree(p string) error {
	s, err := t.Stat(p)
	if err != nil {
		return err
	}
	here, err := fstat(t.fd, t.name)
	if err != nil {
		return err
	}
	if s.MountID != here.MountID {
		return wrap("remove tree", t.Path(p), unix.EBUSY)
	}
	return t.removeBelow(p)
}
