package sys

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Entry is one thing that lies in a directory.
type Entry struct {
	Name string
	Stat
}

// Entries describes all that lies in the directory of the tree, sorted by name, in one system call for each; what vanishes
// meanwhile is left out. When things were born is not told. Not for two goroutines at once.
func (t *Tree) Entries() ([]Entry, error) {
	if _, err := unix.Seek(t.fd, 0, 0); err != nil {
		return nil, wrap("read directory", t.name, err)
	}
	var out []Entry
	var buf [32 << 10]byte
	var names []string
	for {
		n := 0
		err := retry(func() (err error) {
			n, err = unix.ReadDirent(t.fd, buf[:])
			return err
		})
		if err == unix.ENOENT { // the directory itself was removed
			break
		}
		if err != nil {
			return nil, wrap("read directory", t.name, err)
		}
		if n == 0 {
			break
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names[:0])
		for _, name := range names {
			s, err := t.statx(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, Entry{name, s})
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// statx describes one name in the directory of the tree. A name has no slash, so it leads nowhere else.
func (t *Tree) statx(name string) (Stat, error) {
	var x unix.Statx_t
	flags := unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT
	if err := unix.Statx(t.fd, name, flags, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &x); err != nil {
		return Stat{}, wrap("stat", t.Path(name), err)
	}
	var s Stat
	s.Dev, s.Rdev = unix.Mkdev(x.Dev_major, x.Dev_minor), unix.Mkdev(x.Rdev_major, x.Rdev_minor)
	s.Ino, s.Mode, s.Uid, s.Gid, s.Size, s.Blocks = x.Ino, uint32(x.Mode), x.Uid, x.Gid, int64(x.Size), int64(x.Blocks)
	s.Nlink = asNlink(x.Nlink, s.Nlink)
	s.Mtim = unix.NsecToTimespec(x.Mtime.Sec*1e9 + int64(x.Mtime.Nsec))
	s.Ctim = unix.NsecToTimespec(x.Ctime.Sec*1e9 + int64(x.Ctime.Nsec))
	s.MountID = x.Mnt_id
	return s, nil
}

// asNlink gives a count of links the type that it has on this architecture.
func asNlink[T uint32 | uint64](n uint32, _ T) T { return T(n) }

// Device is the number of the device of the tree's directory, as [Stat] has it.
func (t *Tree) Device() (uint64, error) {
	s, err := fstat(t.fd, t.name)
	return s.Dev, err
}

// Entry describes one name in the directory of the tree, as [Tree.Entries] does.
func (t *Tree) Entry(name string) (Entry, error) {
	if strings.Contains(name, "/") {
		return Entry{}, wrap("stat", t.Path(name), unix.EINVAL)
	}
	s, err := t.statx(name)
	return Entry{name, s}, err
}

// SameContent reports whether two files have the same content; both are read until they differ.
func SameContent(a *Tree, ap string, b *Tree, bp string) (bool, error) {
	x, err := a.Stat(ap)
	if err != nil {
		return false, err
	}
	y, err := b.Stat(bp)
	if err != nil || x.Size != y.Size || !x.IsFile() || !y.IsFile() {
		return false, err
	}
	return sameContent(a, ap, b, bp, x.Size)
}
