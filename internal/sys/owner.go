package sys

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// Walk tells everything on the tree's own mount, directories before what lies in them. An object that goes meanwhile is passed over.
func (t *Tree) Walk(tell func(p string, s Stat) error) error {
	return t.walk("/", tell)
}

func (t *Tree) walk(at string, tell func(string, Stat) error) error {
	names, err := t.List(".")
	if err != nil {
		return err
	}
	top, err := t.Stat(".")
	if err != nil {
		return err
	}
	for _, n := range names {
		s, err := t.Stat(n)
		if err == nil && s.MountID != top.MountID {
			continue
		}
		p := path.Join(at, n)
		if err == nil {
			err = tell(p, s)
		}
		if err == nil && s.IsDir() {
			var sub *Tree
			if sub, err = t.Sub(n); err == nil {
				err = sub.walk(p, tell)
				sub.Close()
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

const capability = "security.capability"

// Capabilities returns what a file lets its runner do, as the kernel keeps it, see capabilities(7); nil if there is nothing.
func (t *Tree) Capabilities(p string) ([]byte, error) {
	fd, err := t.open(p, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return attribute(fd, capability, t.Path(p))
}

// attribute returns one extended attribute, nil if there is none.
func attribute(fd int, name, at string) ([]byte, error) {
	buf := make([]byte, 64<<10)
	n, err := unix.Getxattr(procPath(fd), name, buf)
	if err == unix.ENODATA || err == unix.ENOTSUP {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("getxattr "+name, at, err)
	}
	return buf[:n], nil
}

// Reown gives what lies at p the owner and group that the functions answer for those that it has, also in its access lists.
// What the kernel takes from a file with that, set-id bits and capabilities, is given back; a power cut between the two loses
// it, see [Tree.Restore]. It reports whether there was anything to change.
func (t *Tree) Reown(p string, user, group func(int) int) (bool, error) {
	fd, err := t.open(p, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	at := t.Path(p)
	s, err := fstat(fd, at)
	if err != nil {
		return false, err
	}
	changed := false
	if !s.IsLink() {
		if changed, err = reownLists(fd, at, user, group); err != nil {
			return changed, err
		}
	}
	uid, gid := user(int(s.Uid)), group(int(s.Gid))
	if uid == int(s.Uid) && gid == int(s.Gid) {
		return changed, nil
	}
	var caps []byte
	if s.IsFile() {
		if caps, err = attribute(fd, capability, at); err != nil {
			return changed, err
		}
	}
	if err := chown(fd, at, uid, gid); err != nil {
		return changed, err
	}
	if s.IsFile() {
		err = special(fd, at, s.Perm(), caps)
	}
	return true, err
}

// Restore gives the file p set-id bits and capabilities back, if it is still the one with that inode.
func (t *Tree) Restore(p string, inode uint64, mode uint32, caps []byte) error {
	fd, err := t.open(p, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	s, err := fstat(fd, t.Path(p))
	if err != nil || s.Ino != inode || !s.IsFile() || s.Perm()|0o6000 != mode|0o6000 {
		return err
	}
	return special(fd, t.Path(p), mode, caps)
}

func special(fd int, at string, mode uint32, caps []byte) error {
	if mode&0o6000 != 0 {
		if err := chmod(fd, at, mode); err != nil {
			return err
		}
	}
	if caps == nil {
		return nil
	}
	return do("setxattr "+capability, at, func() error { return unix.Setxattr(procPath(fd), capability, caps, 0) })
}

// reownLists changes the numbers in the access lists of an object. Format: linux/posix_acl_xattr.h.
func reownLists(fd int, at string, user, group func(int) int) (changed bool, err error) {
	for _, name := range []string{"system.posix_acl_access", "system.posix_acl_default"} {
		list, err := attribute(fd, name, at)
		if err != nil {
			return changed, err
		}
		le := binary.LittleEndian
		if len(list) < 4 || le.Uint32(list) != 2 {
			continue
		}
		next := slices.Clone(list)
		for e := next[4:]; len(e) >= 8; e = e[8:] {
			switch id := int(le.Uint32(e[4:])); le.Uint16(e) {
			case 0x02: // ACL_USER
				le.PutUint32(e[4:], uint32(user(id)))
			case 0x08: // ACL_GROUP
				le.PutUint32(e[4:], uint32(group(id)))
			}
		}
		if slices.Equal(next, list) {
			continue
		}
		changed = true
		if err := do("setxattr "+name, at, func() error { return unix.Setxattr(procPath(fd), name, next, 0) }); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// IsReadOnly reports whether an object could not be changed because it lies on something that takes no writes.
func IsReadOnly(err error) bool { return errors.Is(err, unix.EROFS) }

// IsMount reports whether something is mounted at p.
func (t *Tree) IsMount(p string) (bool, error) {
	s, err := t.Stat(p)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return false, err
	}
	up, err := t.Stat(path.Dir(path.Clean("/" + p)))
	return s.MountID != up.MountID, err
}
