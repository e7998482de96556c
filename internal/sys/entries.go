package sys

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Entry is one thing that lies in a directory.
type Entry struct {
	Name string
	Stat
}

// reader is the room that is needed to read a directory.
type reader struct {
	buf  [32 << 10]byte
	x    unix.Statx_t
	stat Stat
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// Each describes all that lies in the directory of the tree, in no order, in one system call for each; what vanishes meanwhile is left
// out. When things were born is not told, nor what they are flagged with; of what is mounted there and cannot be looked at, such as
// what a user serves to nobody else, nothing but its mount. Name and description are valid until f returns. Not for two goroutines at once.
func (t *Tree) Each(f func(name []byte, s *Stat) error) error {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	return t.read(r, func(name []byte, _ bool) error {
		e := r.statx(t.fd, &name[0], described)
		if e != 0 && e != unix.ENOENT && t.covered(r, &name[0]) {
			e = 0
		}
		switch {
		case e == unix.ENOENT:
			return nil
		case e != 0:
			return wrap("stat", t.Path(string(name)), e)
		}
		return f(name, &r.stat)
	})
}

// Listed is what a directory itself tells of an entry.
type Listed struct {
	Name string
	Dir  bool // it is a directory: not all filesystems tell that
}

// Names appends the names in the directory of the tree to a list, in no order. Not for two goroutines at once.
func (t *Tree) Names(all []Listed) ([]Listed, error) {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	err := t.read(r, func(name []byte, dir bool) error {
		all = append(all, Listed{string(name), dir})
		return nil
	})
	return all, err
}

// read calls f for each name in the directory, behind which there is a zero.
func (t *Tree) read(r *reader, f func(name []byte, dir bool) error) error {
	if t.listed {
		if _, err := unix.Seek(t.fd, 0, 0); err != nil {
			return wrap("read directory", t.Name(), err)
		}
	}
	t.listed = true
	for {
		n, err := unix.Getdents(t.fd, r.buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ENOENT, err == nil && n == 0: // in the first case, the directory itself was removed
			return nil
		case err != nil:
			return wrap("read directory", t.Name(), err)
		}
		// struct linux_dirent64 of the kernel: a number, an offset, the length of all, a type, and a name with a zero behind it.
		const length, kind, head = 16, 18, 19
		for rest := r.buf[:n]; len(rest) > head; {
			one := rest[:binary.NativeEndian.Uint16(rest[length:])]
			rest = rest[len(one):]
			name := one[head:]
			name = name[:bytes.IndexByte(name, 0)]
			if string(name) == "." || string(name) == ".." {
				continue
			}
			if err := f(name, one[kind] == unix.DT_DIR); err != nil {
				return err
			}
		}
		if n > len(r.buf)/2 { // it is a large directory
			Yield()
		}
	}
}

// Yield is called now and then by goroutines that do nothing but system calls. From others that have run for 10 ms, the runtime of Go takes the processor
// as soon as they are in the kernel, which they always are, and then looks every 20 µs whether there is more to take: a tenth of all time.
func Yield() { runtime.Gosched() }

// covered reports whether something is mounted at a name, which can be found out though it cannot be described, and describes that.
func (t *Tree) covered(r *reader, name *byte) bool {
	here, err := t.Stat(".")
	r.stat = Stat{}
	return err == nil && r.statx(t.fd, name, 0) == 0 && r.x.Mask&unix.STATX_MNT_ID != 0 && r.stat.MountID != here.MountID
}

// described is what is told of an entry.
const described = unix.STATX_BASIC_STATS | unix.STATX_MNT_ID

// statx describes one name, which has no slash, so it leads nowhere else; the empty name is the directory itself. No server is asked, which may never answer.
func (r *reader) statx(dir int, name *byte, mask uintptr) unix.Errno {
	const flags = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC | unix.AT_EMPTY_PATH
	for {
		_, _, e := unix.Syscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(name)), flags, mask, uintptr(unsafe.Pointer(&r.x)), 0)
		if e == unix.EINTR {
			continue
		}
		if e == 0 {
			x, s := &r.x, &r.stat
			s.Dev, s.Rdev = unix.Mkdev(x.Dev_major, x.Dev_minor), unix.Mkdev(x.Rdev_major, x.Rdev_minor)
			s.Ino, s.Mode, s.Uid, s.Gid, s.Size, s.Blocks = x.Ino, uint32(x.Mode), x.Uid, x.Gid, int64(x.Size), int64(x.Blocks)
			set(&s.Nlink, x.Nlink)
			s.Mtim, s.Ctim = timespec(x.Mtime), timespec(x.Ctime)
			s.MountID = x.Mnt_id
		}
		return e
	}
}

// Device is the number of the device of the tree's directory, as [Stat] has it.
func (t *Tree) Device() (uint64, error) {
	s, err := fstat(t.fd, t.Name())
	return s.Dev, err
}

// Self describes the directory of the tree itself, as [Tree.Each] does what lies in it.
func (t *Tree) Self() (Entry, error) {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	if e := r.statx(t.fd, new(byte), described); e != 0 {
		return Entry{}, wrap("stat", t.Name(), e)
	}
	return Entry{".", r.stat}, nil
}

// Entry describes one name in the directory of the tree, as [Tree.Each] does.
func (t *Tree) Entry(name string) (Entry, error) {
	if strings.Contains(name, "/") {
		return Entry{}, wrap("stat", t.Path(name), unix.EINVAL)
	}
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return Entry{}, wrap("stat", t.Path(name), err)
	}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	if e := r.statx(t.fd, p, described); e != 0 {
		return Entry{}, wrap("stat", t.Path(name), e)
	}
	return Entry{name, r.stat}, nil
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
