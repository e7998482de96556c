package sys

import (
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"
)

// State is an object at one moment. Two that are equal are the same object, which nobody has changed in between.
type State struct {
	Kind   byte      // 'f' for a file, 'd' a directory, 'l' a symbolic link, 'o' something else; 0 if nothing lies there
	Object [3]uint64 // what tells it from all others, also from one that gets its inode later
	Size   int64
	Ctime  int64 // nanoseconds since 1970
	Mtime  int64
}

// State looks at what lies at p.
func (t *Tree) State(p string) (State, error) {
	s, err := t.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	return stateOf(&s), nil
}

func stateOf(s *Stat) State {
	kind := byte('o')
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		kind = 'f'
	case unix.S_IFDIR:
		kind = 'd'
	case unix.S_IFLNK:
		kind = 'l'
	}
	return State{kind, [3]uint64{s.Dev, s.Ino, uint64(s.Born.UnixNano())}, s.Size, s.Ctim.Nano(), s.Mtim.Nano()}
}

// ErrBusy says that a program is writing to a file.
var ErrBusy = errors.New("a program has it open for writing")

// Held is a file that nobody can write to while it is held.
type Held struct {
	fd    int
	State State // as it was when it was taken
}

// Hold takes a read lease on the file p: programs that want to write to it, or to cut it off, wait until it is let go of, or for
// as long as /proc/sys/fs/lease-break-time says. The error is [ErrBusy] if one has it open for writing already. Where a
// filesystem has no leases it holds nothing. Let go of it soon.
func (t *Tree) Hold(p string) (*Held, error) {
	fd, err := t.open(p, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if _, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); err == unix.EAGAIN {
		unix.Close(fd)
		return nil, ErrBusy
	}
	s, err := fstat(fd, p)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &Held{fd, stateOf(&s)}, nil
}

// Release lets go of the file.
func (h *Held) Release() { unix.Close(h.fd) }

// LinkNew puts a symbolic link to target at p, where nothing may lie.
func (t *Tree) LinkNew(target, p string) error {
	return t.rename("symlink", p, p, func(dir int, name string, _ int, _ string) error { return unix.Symlinkat(target, dir, name) })
}

// MountID returns the number of the mount that lies at p, 0 if nothing does.
func (t *Tree) MountID(p string) uint64 {
	s, err := t.Stat(p)
	if err != nil {
		return 0
	}
	return s.MountID
}

// IsMounted reports whether something is mounted at the very object p.
func (t *Tree) IsMounted(p string) bool {
	m := t.MountID(p)
	return m != 0 && m != t.MountID(path.Dir(path.Clean("/"+p)))
}
