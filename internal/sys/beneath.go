package sys

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

// Beneath opens the directory p of the tree as it is without what is mounted in it, so that what mounts cover can be reached.
// Close it last: what was opened through it must be closed before.
func (t *Tree) Beneath(p string) (*Tree, error) {
	dir, err := t.Sub(p)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	fd, err := apart(dir.fd, "", unix.AT_EMPTY_PATH)
	if err != nil {
		return nil, wrap("open_tree", dir.Name(), err)
	}
	return &Tree{fd: fd, name: dir.Name()}, nil
}

// Refill makes the directory dst hold what the directory src holds, with all metadata, and nothing else: what it held is removed.
// It is for a directory that nobody sees, such as one that a mount covers.
func Refill(src, dst *Tree) error {
	if diff, err := Compare(src, ".", dst, ".", 1); err != nil || len(diff) == 0 {
		return err
	}
	old, err := dst.List(".")
	if err != nil {
		return err
	}
	for _, n := range old {
		if err := dst.RemoveTree(n); err != nil {
			return err
		}
	}
	names, err := src.List(".")
	if err != nil {
		return err
	}
	s, err := fstat(src.fd, src.Name())
	if err != nil {
		return err
	}
	c, began := copier{links: map[[2]uint64]string{}, dst: dst}, time.Now()
	for _, n := range names {
		if other, err := src.isMount(n, s.MountID); IsTemp(n) || err == nil && other {
			continue
		}
		if err := c.object(src, n, dst, n, n); err != nil && !errors.Is(err, fs.ErrNotExist) { // removed while we copied
			return err
		}
	}
	if err := copyMeta(src.fd, s, dst.fd, dst.Name()); err != nil {
		return err
	}
	if err := c.settle(src, ".", dst, ".", began); err != nil {
		return err
	}
	return dst.Sync()
}

// CatchUp carries over to dst, which [Refill] has filled, what was changed in src meanwhile; also what was removed there.
func CatchUp(src, dst *Tree) error {
	diff, err := Compare(src, ".", dst, ".", 10000)
	if err != nil {
		return err
	}
	for _, d := range diff {
		if d.What == onlyInCopy || d.What == otherType {
			if err := dst.RemoveTree(d.Path); err != nil {
				return err
			}
		}
	}
	if len(diff) == 0 {
		return nil
	}
	return Freshen(src, dst)
}

// TempName returns the name of an object that is not finished, and that nothing else has.
func TempName() string { return tempName() }

// Replace moves from to to inside the tree, in one step, over the file or link that may lie there.
// The caller has made sure that nothing is lost by that.
func (t *Tree) Replace(from, to string) error {
	return t.rename("rename", from, to, unix.Renameat)
}

// Overwrite writes the content and metadata of the file src into the file dst, which stays the same object.
// It is for a file that nobody sees, such as one that a mount covers and that so cannot be replaced.
func Overwrite(from *Tree, src string, to *Tree, dst string) error {
	h, err := from.open(src, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(h)
	s, err := fstat(h, from.Path(src))
	if err != nil {
		return err
	}
	dir, name, err := to.parent(dst)
	if err != nil {
		return err
	}
	defer dir.Close()
	out, err := dir.open(name, unix.O_WRONLY|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(out)
	if err := do("write", dir.Path(name), func() error { return copyData(h, out, s.Size) }); err != nil {
		return err
	}
	if err := copyMeta(h, s, out, dir.Path(name)); err != nil {
		return err
	}
	return do("flush", dir.Path(name), func() error { return unix.Fsync(out) })
}
