package sys

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

// Stat is what the kernel says of one object.
type Stat struct {
	unix.Stat_t
	MountID uint64    // of the mount that it was found on; 0 if the kernel does not tell
	Born    time.Time // when the inode was made; zero if the filesystem does not keep that
	Fixed   bool      // nobody can change it, see the flags a and i of chattr(1)
}

// Type returns the type bits as [fs.FileMode].
func (s Stat) Type() fs.FileMode {
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	case unix.S_IFIFO:
		return fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return fs.ModeSocket
	case unix.S_IFCHR:
		return fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		return fs.ModeDevice
	}
	return 0
}

// Perm returns the permission bits with set-id and sticky bits, as chmod(2) takes them.
func (s Stat) Perm() uint32 { return s.Mode & 0o7777 }

// SameObject reports whether both are the same inode of the same filesystem.
func (s Stat) SameObject(o Stat) bool { return s.Dev == o.Dev && s.Ino == o.Ino }

// IsDir reports whether it is a directory.
func (s Stat) IsDir() bool { return s.Type() == fs.ModeDir }

// IsFile reports whether it is a regular file.
func (s Stat) IsFile() bool { return s.Type() == 0 }

// IsLink reports whether it is a symbolic link.
func (s Stat) IsLink() bool { return s.Type() == fs.ModeSymlink }

// Stat describes what lies at p, without following a link there.
func (t *Tree) Stat(p string) (Stat, error) {
	if inside(p) == "." {
		return fstat(t.fd, t.Name())
	}
	fd, err := t.open(p, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return Stat{}, err
	}
	defer unix.Close(fd)
	s, err := describe(fd)
	if err != nil {
		return s, wrap("stat", t.Path(p), err)
	}
	return s, nil
}

// statName describes what lies at a name in the directory, without following a link there.
func (t *Tree) statName(name string) (s Stat, err error) {
	var x unix.Statx_t
	err = unix.Statx(t.fd, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID|unix.STATX_BTIME, &x)
	switch {
	case err == unix.ENOENT:
		return s, err
	case err != nil || x.Mask&unix.STATX_BASIC_STATS != unix.STATX_BASIC_STATS: // some sandboxes do not know it
		return t.Stat(name)
	}
	return fromStatx(&x), nil
}

func fstat(fd int, name string) (Stat, error) {
	s, err := describe(fd)
	return s, wrap("stat", name, err)
}

func describe(fd int) (s Stat, err error) {
	var x unix.Statx_t
	err = unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID|unix.STATX_BTIME, &x)
	if err != nil || x.Mask&unix.STATX_BASIC_STATS != unix.STATX_BASIC_STATS { // some sandboxes do not know it
		return s, unix.Fstat(fd, &s.Stat_t)
	}
	return fromStatx(&x), nil
}

// fromStatx turns what one system call says into what fstat(2) would say, and more.
func fromStatx(x *unix.Statx_t) (s Stat) {
	s.Dev, s.Rdev = unix.Mkdev(x.Dev_major, x.Dev_minor), unix.Mkdev(x.Rdev_major, x.Rdev_minor)
	s.Ino, s.Mode, s.Uid, s.Gid = x.Ino, uint32(x.Mode), x.Uid, x.Gid
	set(&s.Nlink, x.Nlink)
	set(&s.Blksize, x.Blksize)
	s.Size, s.Blocks = int64(x.Size), int64(x.Blocks)
	s.Atim, s.Mtim, s.Ctim = timespec(x.Atime), timespec(x.Mtime), timespec(x.Ctime)
	s.Fixed = x.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0
	if x.Mask&unix.STATX_MNT_ID != 0 {
		s.MountID = x.Mnt_id
	}
	if x.Mask&unix.STATX_BTIME != 0 {
		s.Born = time.Unix(x.Btime.Sec, int64(x.Btime.Nsec))
	}
	return s
}

func timespec(t unix.StatxTimestamp) (out unix.Timespec) {
	set(&out.Sec, t.Sec)
	set(&out.Nsec, t.Nsec)
	return out
}

// set assigns a number to a field that has another size on other processors.
func set[T, F ~int32 | ~int64 | ~uint32 | ~uint64](to *T, from F) { *to = T(from) }

// Exists reports whether anything lies at p. Errors other than absence are returned.
func (t *Tree) Exists(p string) (bool, error) {
	_, err := t.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Empty reports whether p is a file without content or a directory without entries.
func (t *Tree) Empty(p string) (bool, error) {
	s, err := t.Stat(p)
	if err != nil {
		return false, err
	}
	if !s.IsDir() {
		return s.IsFile() && s.Size == 0, nil
	}
	return t.emptyDir(p)
}

// emptyDir reports whether the directory p has no entries. It reads the first of them only: there may be a million.
func (t *Tree) emptyDir(p string) (bool, error) {
	fd, err := t.open(p, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	var buf [1024]byte
	for {
		n := 0
		err := retry(func() (err error) { n, err = unix.Getdents(fd, buf[:]); return err })
		if err != nil || n <= 0 {
			return n == 0 && err == nil, wrap("list", t.Path(p), err)
		}
		if _, found, _ := unix.ParseDirent(buf[:n], 1, nil); found > 0 { // it leaves out . and ..
			return false, nil
		}
	}
}
