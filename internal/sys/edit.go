package sys

import (
	"errors"
	"fmt"
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

func tempName() string {
	var b [8]byte
	// crypto/rand would make the initrd's program a tenth larger.
	if n, err := unix.Getrandom(b[:], 0); n < len(b) {
		panic(fmt.Sprint("internal error: no random numbers: ", err))
	}
	return fmt.Sprintf("%s%x", tempPrefix, b)
}

// Perm is an owner and a mode to give to an object.
type Perm struct {
	UID, GID int
	Mode     uint32
}

// Mkdir makes the directory p with owner and mode; it is an error if anything lies there.
// The directory appears with both already right.
func (t *Tree) Mkdir(p string, perm Perm) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	tmp := tempName()
	if err := do("mkdir", t.Path(p), func() error { return unix.Mkdirat(dir.fd, tmp, 0o700) }); err != nil {
		return err
	}
	err = dir.setPerm(tmp, perm)
	if err == nil {
		err = do("rename", t.Path(p), func() error { return renameNew(dir.fd, tmp, dir.fd, name) })
	}
	if err != nil {
		return errors.Join(err, dir.unlink(tmp, unix.AT_REMOVEDIR))
	}
	return nil
}

func (t *Tree) unlink(name string, flags int) error {
	return do("remove", t.Path(name), func() error { return unix.Unlinkat(t.fd, name, flags) })
}

// SetPerm gives owner and mode to what lies at p, which must not be a link.
func (t *Tree) SetPerm(p string, perm Perm) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.setPerm(name, perm)
}

// setPerm gives owner and mode to name, which must not be a link.
func (t *Tree) setPerm(name string, perm Perm) error {
	at := t.Path(name)
	if err := do("chown", at, func() error { return unix.Fchownat(t.fd, name, perm.UID, perm.GID, unix.AT_SYMLINK_NOFOLLOW) }); err != nil {
		return err
	}
	fd, err := t.open(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// fchmod refuses O_PATH descriptors; the name in /proc leads to the very object.
	return do("chmod", at, func() error { return unix.Chmod(procPath(fd), perm.Mode) })
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
// It waits until the new one is on the disk.
func (t *Tree) WriteFile(p string, data []byte, perm Perm) error {
	return t.writeFile(p, data, perm, true)
}

// StageFile is [Tree.WriteFile] without waiting for the name to be on the disk. On btrfs the file gets it together with
// everything else that is done to the filesystem up to its next commit, or not at all; on other filesystems that is not promised.
func (t *Tree) StageFile(p string, data []byte, perm Perm) error {
	return t.writeFile(p, data, perm, false)
}

func (t *Tree) writeFile(p string, data []byte, perm Perm, last bool) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	at, tmp := t.Path(p), tempName()
	fd, err := dir.create(tmp)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), at)
	err = do("write", at, func() error { _, err := f.Write(data); return err })
	if err == nil {
		err = do("chown", at, func() error { return unix.Fchown(fd, perm.UID, perm.GID) })
	}
	if err == nil {
		err = do("chmod", at, func() error { return unix.Fchmod(fd, perm.Mode) })
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
		return errors.Join(err, dir.unlink(tmp, 0))
	}
	if !last {
		return nil
	}
	return do("fsync", dir.name, func() error { return unix.Fsync(dir.fd) })
}

// create makes an empty file that nobody else can open yet.
func (t *Tree) create(name string) (fd int, err error) {
	err = do("create", t.Path(name), func() (err error) {
		fd, err = t.open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
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
		return errors.Join(err, dir.unlink(tmp, 0))
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
	return do("sync", t.name, func() error { return unix.Syncfs(t.fd) })
}

// Mine is a permission for objects of whoever runs this program: root, or the one user of a namespace.
func Mine(mode uint32) Perm { return Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: mode} }
