package sys

import (
	"errors"
	"io/fs"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// copier copies one tree, keeping hard links inside it.
type copier struct {
	links map[[2]uint64]string // first copy of a file with several names, as a path in dst
	dst   *Tree
}

// Copy copies the object src of one tree, with all below it, to dst in another, with all metadata:
// owner, mode, times, extended attributes (and so ACLs, capabilities and labels), holes, hard links.
// File content is shared with the original where the filesystem can.
// It is read back and compared, and it appears at dst in one step, only when it is whole and on the disk.
// A file that a program goes on writing meanwhile is taken as it was at one of those moments; see [Freshen].
// An empty directory at dst is replaced; anything else there is an error.
// It does not cross into other mounts; sockets are left out, as only their program can make them.
func Copy(from *Tree, src string, to *Tree, dst string) error {
	return copyTo(from, src, to, dst, func(dd *Tree, tmp, dn string) error {
		if err := dd.Sync(); err != nil {
			return err
		}
		// A plain rename replaces an empty directory and refuses a populated one;
		// for a file, nothing may be there.
		rename := renameNew
		if s, err := dd.Stat(tmp); err == nil && s.Type() == fs.ModeDir {
			rename = unix.Renameat
		}
		if err := do("rename", to.Path(dst), func() error { return rename(dd.fd, tmp, dd.fd, dn) }); err != nil {
			return err
		}
		return dd.Sync()
	})
}

// Put copies a file or link as [Copy] does, in the place of the one at dst if there is one, in one step. With wait, the content
// is on the disk when its name is; else a power cut may leave anything until the next [Tree.Sync].
func Put(from *Tree, src string, to *Tree, dst string, wait bool) error {
	if done, err := putFile(from, src, to, dst, wait); done || err != nil {
		return err
	}
	return copyTo(from, src, to, dst, func(dd *Tree, tmp, dn string) error {
		s, err := dd.Stat(tmp)
		if err == nil && !s.IsFile() && !s.IsLink() {
			err = wrap("put", to.Path(dst), errors.New("the original is neither a file nor a link"))
		}
		if err == nil && wait && s.IsFile() {
			err = dd.flush(tmp)
		}
		if err != nil {
			return err
		}
		return do("rename", to.Path(dst), func() error { return unix.Renameat(dd.fd, tmp, dd.fd, dn) })
	})
}

// flush waits until the content of a file is on the disk.
func (t *Tree) flush(name string) error {
	fd, err := t.open(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return do("flush", t.Path(name), func() error { return unix.Fsync(fd) })
}

// copyTo copies under a temporary name and lets finish give the copy its own.
func copyTo(from *Tree, src string, to *Tree, dst string, finish func(dd *Tree, tmp, dn string) error) error {
	sd, sn, err := from.parent(src)
	if err != nil {
		return err
	}
	defer sd.Close()
	dd, dn, err := to.parent(dst)
	if err != nil {
		return err
	}
	defer dd.Close()
	tmp := tempName()
	c := copier{links: map[[2]uint64]string{}, dst: dd}
	began := time.Now()
	err = c.object(sd, sn, dd, tmp, tmp)
	if err == nil {
		err = c.settle(sd, sn, dd, tmp, began)
	}
	if err == nil {
		err = finish(dd, tmp, dn)
	}
	if err != nil {
		return errors.Join(err, dd.removeAll(tmp))
	}
	return nil
}

// object copies name in sd to dname in dd; at is the copy's path in c.dst.
func (c *copier) object(sd *Tree, name string, dd *Tree, dname, at string) error {
	h, err := sd.open(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(h)
	s, err := fstat(h, sd.Path(name))
	if err != nil {
		return err
	}
	if s.Type() != fs.ModeDir && s.Nlink > 1 {
		key := [2]uint64{s.Dev, s.Ino}
		if first, ok := c.links[key]; ok {
			return c.link(first, dd, dname)
		}
		c.links[key] = at
	}
	switch s.Type() {
	case fs.ModeDir:
		return c.dir(sd, name, s, dd, dname, at)
	case 0:
		return copyFile(sd, name, s, dd, dname)
	case fs.ModeSymlink:
		var target string
		if target, err = sd.Readlink(name); err == nil {
			err = do("symlink", dd.Path(dname), func() error { return unix.Symlinkat(target, dd.fd, dname) })
		}
	case fs.ModeSocket:
		return nil
	default:
		err = do("mknod", dd.Path(dname), func() error { return unix.Mknodat(dd.fd, dname, s.Mode, int(s.Rdev)) })
	}
	if err != nil {
		return err
	}
	made, err := dd.hold(dname)
	if err != nil {
		return err
	}
	defer unix.Close(made)
	return copyMeta(h, s, made, dd.Path(dname))
}

func (c *copier) link(first string, dd *Tree, dname string) error {
	dir, name, err := c.dst.parent(first)
	if err != nil {
		return err
	}
	defer dir.Close()
	return do("link", dd.Path(dname), func() error { return unix.Linkat(dir.fd, name, dd.fd, dname, 0) })
}

func (c *copier) dir(sd *Tree, name string, s Stat, dd *Tree, dname, at string) error {
	src, err := sd.Sub(name)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := dd.mkdir(dname)
	if err != nil {
		return err
	}
	defer dst.Close()
	copyFlags(src.fd, dst.fd)
	names, err := src.List(".")
	if err != nil {
		return err
	}
	for _, n := range names {
		if IsTemp(n) {
			continue
		}
		other, err := src.isMount(n, s.MountID)
		if err == nil && !other {
			err = c.object(src, n, dst, n, path.Join(at, n))
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed while we copied
		}
		if err != nil {
			return err
		}
	}
	return copyMeta(src.fd, s, dst.fd, dst.Name())
}

// isMount reports whether name is on another mount than its directory.
func (t *Tree) isMount(name string, mountID uint64) (bool, error) {
	s, err := t.Stat(name)
	return err == nil && s.MountID != mountID, err
}

func copyFile(sd *Tree, name string, want Stat, dd *Tree, dname string) error {
	in, err := sd.openQuiet(name)
	if err != nil {
		return err
	}
	defer unix.Close(in)
	s, err := fstat(in, sd.Path(name))
	if err != nil {
		return err
	}
	if !s.SameObject(want) {
		return wrap("copy", sd.Path(name), errors.New("replaced while it was copied"))
	}
	out, err := dd.create(dname, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(out)
	if err := copyContent(in, s, out, dd.Path(dname)); err != nil {
		return err
	}
	return copyMeta(in, s, out, dd.Path(dname))
}
