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

// RemoveTree deletes the file or directory p with all below it. It stays on p's own mount.
func (t *Tree) RemoveTree(p string) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	s, err := dir.Stat(name)
	if err != nil {
		return err
	}
	here, err := fstat(t.fd, t.Name())
	if err != nil {
		return err
	}
	if s.MountID != here.MountID {
		return wrap("remove tree", t.Path(p), unix.EBUSY)
	}
	if s.IsDir() {
		r := remover{mount: s.MountID}
		if r.top, err = dir.Sub(name); err != nil {
			return err
		}
		defer r.top.Close()
		for empty := false; !empty && err == nil; {
			if err = r.below(r.top, 0); err == nil {
				empty, err = r.top.Empty(".")
			}
		}
		if err != nil {
			return err
		}
	}
	return dir.Remove(name)
}

// remover deletes what lies below one directory.
type remover struct {
	top   *Tree
	mount uint64
}

// deepest is how many directories are held open at a time. What lies deeper is moved up before it is deleted:
// whoever owns a directory can go deeper than there are descriptors.
const deepest = 64

func (r *remover) below(dir *Tree, depth int) error {
	names, err := dir.List(".")
	for _, n := range names {
		if err == nil {
			err = r.object(dir, n, depth)
		}
	}
	return err
}

func (r *remover) object(dir *Tree, name string, depth int) error {
	s, err := dir.Stat(name)
	if err != nil {
		return err
	}
	switch {
	case s.MountID != r.mount:
		return wrap("remove tree", dir.Path(name), unix.EBUSY)
	case !s.IsDir():
		return dir.unlink(name, 0)
	case depth == deepest:
		return do("rename", dir.Path(name), func() error { return renameNew(dir.fd, name, r.top.fd, tempName()) })
	}
	sub, err := dir.Sub(name)
	if err != nil {
		return err
	}
	err = r.below(sub, depth+1)
	sub.Close()
	if err != nil {
		return err
	}
	return dir.unlink(name, unix.AT_REMOVEDIR)
}
