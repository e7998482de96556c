package sys

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// tempPrefix begins the names of objects that are not finished.
// Nothing under such a name is ever taken for data.
const tempPrefix = ".anicca-tmp-"

// IsTemp reports whether a name is that of an unfinished object.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

func tempName() string { return tempPrefix + rand.Text()[:12] }

// Perm is an owner and a mode to give to an object.
type Perm struct {
	UID, GID int
	Mode     uint32
}

// Mkdir makes the directory p with owner and mode; it is an error if anything lies there.
// The directory appears with both already right.
func (t *Tree) Mkdir(p string, perm Perm) error {
	if err := fault("mkdir", t.Path(p)); err != nil {
		return err
	}
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	tmp := tempName()
	if err := unix.Mkdirat(dir.fd, tmp, 0o700); err != nil {
		return wrap("mkdir", t.Path(p), err)
	}
	err = dir.setPerm(tmp, perm)
	if err == nil {
		err = wrap("mkdir", t.Path(p), unix.Renameat2(dir.fd, tmp, dir.fd, name, unix.RENAME_NOREPLACE))
	}
	if err != nil {
		unix.Unlinkat(dir.fd, tmp, unix.AT_REMOVEDIR)
	}
	return err
}

// setPerm gives owner and mode to name, which must not be a link.
func (t *Tree) setPerm(name string, perm Perm) error {
	if err := unix.Fchownat(t.fd, name, perm.UID, perm.GID, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return wrap("chown", t.Path(name), err)
	}
	fd, err := t.open(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// fchmod refuses O_PATH descriptors; the name in /proc leads to the very object.
	return wrap("chmod", t.Path(name), unix.Chmod(procPath(fd), perm.Mode))
}

// MkdirAll makes the missing directories of p, asking perm for the owner and mode of each.
func (t *Tree) MkdirAll(p string, perm func(p string) Perm) error {
	p = path.Clean("/" + p)
	if p == "/" {
		return nil
	}
	s, err := t.Stat(p)
	switch {
	case err == nil && s.Type() == fs.ModeDir:
		return nil
	case err == nil:
		return wrap("mkdir", t.Path(p), unix.ENOTDIR)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := t.MkdirAll(path.Dir(p), perm); err != nil {
		return err
	}
	return t.Mkdir(p, perm(p))
}

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
// It does not wait for the directory entry to reach the disk; see [Tree.Sync].
func (t *Tree) WriteFile(p string, data []byte, perm Perm) error {
	if err := fault("write", t.Path(p)); err != nil {
		return err
	}
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	tmp := tempName()
	fd, err := dir.open(tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), t.Path(p))
	_, err = f.Write(data)
	if err == nil {
		err = wrap("chown", t.Path(p), unix.Fchown(fd, perm.UID, perm.GID))
	}
	if err == nil {
		err = wrap("chmod", t.Path(p), unix.Fchmod(fd, perm.Mode))
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = wrap("rename", t.Path(p), unix.Renameat(dir.fd, tmp, dir.fd, name))
	}
	if err != nil {
		unix.Unlinkat(dir.fd, tmp, 0)
		return err
	}
	return wrap("fsync", dir.name, unix.Fsync(dir.fd))
}

// Symlink puts a link to target at p in one step.
// It replaces a link or a regular file there; the caller has made sure that nothing is lost by that.
func (t *Tree) Symlink(target, p string) error {
	if err := fault("symlink", t.Path(p)); err != nil {
		return err
	}
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	tmp := tempName()
	if err := unix.Symlinkat(target, dir.fd, tmp); err != nil {
		return wrap("symlink", t.Path(p), err)
	}
	if err := unix.Renameat(dir.fd, tmp, dir.fd, name); err != nil {
		unix.Unlinkat(dir.fd, tmp, 0)
		return wrap("symlink", t.Path(p), err)
	}
	return nil
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
	return t.rename(from, to, unix.RENAME_NOREPLACE)
}

// Exchange swaps the objects at a and b in one step: at no moment is either name missing.
func (t *Tree) Exchange(a, b string) error {
	return t.rename(a, b, unix.RENAME_EXCHANGE)
}

func (t *Tree) rename(from, to string, flags uint) error {
	op := "rename"
	if flags&unix.RENAME_EXCHANGE != 0 {
		op = "exchange"
	}
	if err := fault(op, t.Path(from)+" "+to); err != nil {
		return err
	}
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
	if err := unix.Renameat2(a.fd, an, b.fd, bn, flags); err != nil {
		return &os.LinkError{Op: op, Old: t.Path(from), New: t.Path(to), Err: err}
	}
	return nil
}

// Remove removes the file, link or empty directory p.
func (t *Tree) Remove(p string) error {
	if err := fault("remove", t.Path(p)); err != nil {
		return err
	}
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
	return wrap("remove", t.Path(p), unix.Unlinkat(dir.fd, name, flags))
}

// List returns the names in the directory p, sorted.
func (t *Tree) List(p string) ([]string, error) {
	sub, err := t.Sub(p)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(sub.fd), sub.name)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// Sync waits until everything written to the tree's filesystem is on the disk.
func (t *Tree) Sync() error {
	if err := fault("sync", t.name); err != nil {
		return err
	}
	return wrap("sync", t.name, unix.Syncfs(t.fd))
}
