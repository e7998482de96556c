package sys

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Perm is an owner and a mode to give to an object.
type Perm struct {
	UID, GID int
	Mode     uint32
}

// mask is what the kernel takes away from the mode of all that this program makes, see umask(2).
var mask = func() uint32 {
	m := unix.Umask(0o077)
	unix.Umask(m)
	return uint32(m)
}()

// me is the owner of what this program makes.
func me() Perm { return Perm{UID: unix.Geteuid(), GID: unix.Getegid()} }

// usual reports whether what is made with the mode gets all of the permission by itself, and nobody else can change it.
func (p Perm) usual(me Perm) bool {
	return p.UID == me.UID && p.GID == me.GID && p.Mode&^(0o755&^mask) == 0
}

// as reports whether an object has the owner and mode.
func as(s Stat, p Perm) bool {
	return s.Perm() == p.Mode && int(s.Uid) == p.UID && int(s.Gid) == p.GID
}

// Mine is a permission for objects of whoever runs this program: root, or the one user of a namespace.
func Mine(mode uint32) Perm { return Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: mode} }

// Adjust gives what lies at p the owner and mode that want answers for those that it has, if they are others.
// It refuses links, and files with a second name, which can be of somebody else.
func (t *Tree) Adjust(p string, want func(Perm) Perm) error {
	fd, err := t.open(p, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	s, err := fstat(fd, t.Path(p))
	if err != nil {
		return err
	}
	has := Perm{UID: int(s.Uid), GID: int(s.Gid), Mode: s.Perm()}
	perm := want(has)
	switch {
	case perm == has:
		return nil
	case s.IsLink() || !s.IsDir() && !alone(fd, s):
		return wrap("chown", t.Path(p), errors.New("is a link, or has a second name"))
	case perm.UID != has.UID || perm.GID != has.GID:
		return give(fd, t.Path(p), perm)
	}
	return chmod(fd, t.Path(p), perm.Mode)
}

// alone reports whether what is open, and was found to be s, has no name but the one that it was opened by. Names are counted
// before that one is looked at: whoever takes it away in between leaves the count of an object that is somewhere else.
func alone(fd int, s Stat) bool {
	name, err := os.Readlink(procPath(fd))
	return err == nil && s.Nlink == 1 && !strings.HasSuffix(name, " (deleted)") // as the kernel says of a name that is gone: fs/d_path.c
}

func (p Perm) give(fd int, name string) error { return give(fd, name, p) }

// give gives owner and mode to what is open, which must not be a link. The kernel takes set-id bits away with the owner.
func give(fd int, name string, perm Perm) error {
	if err := chown(fd, name, perm.UID, perm.GID); err != nil {
		return err
	}
	return chmod(fd, name, perm.Mode)
}

func chown(fd int, name string, uid, gid int) error {
	return do("chown", name, func() error { return unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH) })
}

// chmod takes any descriptor. Fchmod refuses O_PATH ones; the name in /proc leads to the very object.
func chmod(fd int, name string, mode uint32) error {
	return do("chmod", name, func() error {
		if err := unix.Fchmod(fd, mode); err != unix.EBADF {
			return err
		}
		return unix.Chmod(procPath(fd), mode)
	})
}
