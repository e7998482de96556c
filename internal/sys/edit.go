package sys

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// ReadFile reads the regular file p.
func (t *Tree) ReadFile(p string) ([]byte, error) {
	fd, err := t.open(p, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), t.Path(p))
	defer f.Close()
	return io.ReadAll(f)
}

// WriteFile puts data at p in one step: after a power cut the old file is there or the new one, whole.
// It waits until the new one is on the disk.
func (t *Tree) WriteFile(p string, data []byte, perm Perm) error {
	return t.writeFile(p, data, perm.give, true)
}

// CreateFile puts an empty file at p, where nothing may lie yet. It does not wait for the disk: a power cut may leave nothing.
func (t *Tree) CreateFile(p string, perm Perm) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	tmp := tempName()
	fd, err := dir.create(tmp, 0o600)
	if err != nil {
		return err
	}
	err = give(fd, t.Path(p), perm)
	unix.Close(fd)
	if err == nil {
		err = do("rename", t.Path(p), func() error { return renameNew(dir.fd, tmp, dir.fd, name) })
	}
	if err != nil {
		return errors.Join(err, dir.forget(tmp, 0))
	}
	return nil
}

// StageFile is [Tree.WriteFile] without waiting for the name to be on the disk. On btrfs the file gets it together with
// everything else that is done to the filesystem up to its next commit, or not at all; on other filesystems that is not promised.
func (t *Tree) StageFile(p string, data []byte, perm Perm) error {
	return t.writeFile(p, data, perm.give, false)
}

func (t *Tree) writeFile(p string, data []byte, allow func(fd int, at string) error, last bool) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	at, tmp := t.Path(p), tempName()
	fd, err := dir.create(tmp, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), at)
	err = do("write", at, func() error { _, err := f.Write(data); return err })
	if err == nil {
		err = allow(fd, at)
	}
	if err == nil {
		// Btrfs compresses what it writes later, and would commit the name of a file without its data.
		err = do("flush", at, func() error { return unix.Fsync(fd) })
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = do("rename", at, func() error { return unix.Renameat(dir.fd, tmp, dir.fd, name) })
	}
	if err != nil {
		return errors.Join(err, dir.forget(tmp, 0))
	}
	if !last {
		return nil
	}
	return dir.SyncNames()
}

// SyncNames waits until the names in the tree's own directory are on the disk.
func (t *Tree) SyncNames() error {
	return do("fsync", t.Name(), func() error { return unix.Fsync(t.fd) })
}

// create makes an empty file, which is read back without its time of access moving.
func (t *Tree) create(name string, mode uint32) (fd int, err error) {
	err = do("create", t.Path(name), func() (err error) {
		fd, err = t.open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_NOATIME, mode)
		return err
	})
	return fd, err
}

// Symlink puts a link to target at p in one step.
// It replaces a link or a regular file there; the caller has made sure that nothing is lost by that.
func (t *Tree) Symlink(target, p string) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	tmp := tempName()
	if err := do("symlink", t.Path(p), func() error { return unix.Symlinkat(target, dir.fd, tmp) }); err != nil {
		return err
	}
	if err := do("rename", t.Path(p), func() error { return unix.Renameat(dir.fd, tmp, dir.fd, name) }); err != nil {
		return errors.Join(err, dir.forget(tmp, 0))
	}
	return nil
}

// Whiteout puts the mark at p by which an overlay hides what lies there in the directories below it.
func (t *Tree) Whiteout(p string) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	return do("whiteout", t.Path(p), func() error { return unix.Mknodat(dir.fd, name, unix.S_IFCHR, 0) })
}

// Readlink returns the target of the link p.
func (t *Tree) Readlink(p string) (string, error) {
	dir, name, err := t.parent(p)
	if err != nil {
		return "", err
	}
	defer dir.Close()
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir.fd, name, buf)
	if err != nil {
		return "", wrap("readlink", t.Path(p), err)
	}
	return string(buf[:n]), nil
}

// Rename moves from to to inside the tree; it is an error if anything lies at to.
func (t *Tree) Rename(from, to string) error {
	return t.rename("rename", from, to, renameNew)
}

// renameNew renames where nothing may lie yet. OpenZFS up to 2.1 takes no flags: there it looks first.
func renameNew(a int, an string, b int, bn string) error {
	err := unix.Renameat2(a, an, b, bn, unix.RENAME_NOREPLACE)
	if err != unix.EINVAL {
		return err
	}
	var s unix.Stat_t
	switch err := unix.Fstatat(b, bn, &s, unix.AT_SYMLINK_NOFOLLOW); err {
	case nil:
		return unix.EEXIST
	case unix.ENOENT:
		return unix.Renameat(a, an, b, bn)
	default:
		return err
	}
}

// Link gives the file at from another name, to, where nothing may lie yet.
func (t *Tree) Link(from, to string) error {
	return t.rename("link", from, to, func(a int, an string, b int, bn string) error { return unix.Linkat(a, an, b, bn, 0) })
}

// Exchange swaps the objects at a and b in one step: at no moment is either name missing.
func (t *Tree) Exchange(a, b string) error {
	return t.rename("exchange", a, b, func(a int, an string, b int, bn string) error {
		return unix.Renameat2(a, an, b, bn, unix.RENAME_EXCHANGE)
	})
}

func (t *Tree) rename(op, from, to string, rename func(a int, an string, b int, bn string) error) error {
	a, an, err := t.parent(from)
	if err != nil {
		return err
	}
	defer a.Close()
	b, bn, err := t.parent(to)
	if err != nil {
		return err
	}
	defer b.Close()
	return do(op, t.Path(from)+" to "+t.Path(to), func() error { return rename(a.fd, an, b.fd, bn) })
}

// Remove removes the file, link or empty directory p.
func (t *Tree) Remove(p string) error {
	s, err := t.Stat(p)
	if err != nil {
		return err
	}
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	flags := 0
	if s.Type() == fs.ModeDir {
		flags = unix.AT_REMOVEDIR
	}
	return dir.unlink(name, flags)
}

func (t *Tree) unlink(name string, flags int) error {
	return do("remove", t.Path(name), func() error { return unix.Unlinkat(t.fd, name, flags) })
}

// List returns the names in the directory p, sorted.
func (t *Tree) List(p string) ([]string, error) {
	sub, err := t.Sub(p)
	if err != nil {
		return nil, err
	}
	defer sub.Close()
	var names []string
	buf := make([]byte, 8<<10)
	for {
		n := 0
		err := retry(func() (err error) { n, err = unix.Getdents(sub.fd, buf); return err })
		if err != nil || n <= 0 {
			slices.Sort(names)
			return names, wrap("list", sub.Name(), err)
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// Sync waits until everything written to the tree's filesystem is on the disk.
func (t *Tree) Sync() error {
	return do("sync", t.Name(), func() error { return unix.Syncfs(t.fd) })
}
