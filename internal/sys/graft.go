package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Graft is a copy of a mount that is seen nowhere yet.
type Graft struct {
	fd   int
	name string
}

// Graft copies what can be seen at p: its mount, from there on; with deep all that is mounted below it as well. In a user
// namespace only the latter can be had of what others have mounted something in.
func (t *Tree) Graft(p string, deep bool) (*Graft, error) {
	s, err := t.open(p, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(s)
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_EMPTY_PATH)
	if deep {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(s, "", flags)
	if err != nil {
		return nil, wrap("open_tree", t.Path(p), err)
	}
	return &Graft{fd, t.Path(p)}, nil
}

// ReadOnly keeps everything in it from being written through it.
func (g *Graft) ReadOnly() error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	return wrap("mount_setattr", g.name, unix.MountSetattr(g.fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr))
}

// NoDevices keeps devices in it from being opened.
func (g *Graft) NoDevices() error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NODEV}
	return wrap("mount_setattr", g.name, unix.MountSetattr(g.fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr))
}

// Attach shows it over what lies at p, and closes it.
func (g *Graft) Attach(to *Tree, p string) error {
	d, err := to.open(p, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return errors.Join(err, g.Close())
	}
	defer unix.Close(d)
	err = do("move_mount", to.Path(p), func() error {
		return unix.MoveMount(g.fd, "", d, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	})
	return errors.Join(err, g.Close())
}

// Close lets go of it. What was not attached is gone.
func (g *Graft) Close() error { return unix.Close(g.fd) }

// MountOverlay mounts at p in a tree an overlay of a directory over another. They are named by descriptor, so that their names can be
// anything. In a user namespace its marks are attributes that a user may set.
func (t *Tree) MountOverlay(p string, lower, upper, work *Tree, options []string) error {
	data := "lowerdir=" + procPath(lower.fd) + ",upperdir=" + procPath(upper.fd) + ",workdir=" + procPath(work.fd)
	if InUserNamespace() {
		data += ",userxattr"
	} else {
		data += ",index=off,metacopy=off,redirect_dir=on"
	}
	return t.Mount("anicca", p, "overlay", options, data)
}

// TakesMarks reports whether the filesystem of the tree has room for the marks of an overlay: where it is one in memory, Linux
// does since 6.6 in a user namespace.
func (t *Tree) TakesMarks() bool {
	name := "trusted.overlay.opaque"
	if InUserNamespace() {
		name = "user.overlay.opaque"
	}
	if unix.Fsetxattr(t.fd, name, []byte("n"), 0) != nil {
		return false
	}
	return unix.Fremovexattr(t.fd, name) == nil
}

// Writable reports whether this process may make files in the directory p.
func (t *Tree) Writable(p string) bool {
	fd, err := t.open(p, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Access(procPath(fd), unix.W_OK|unix.X_OK) == nil
}

// Seen reports whether the mount is what can be seen at its mount point: nothing is mounted over it.
func (t *Tree) Seen(m *Mount) bool {
	s, err := t.Stat(m.Mountpoint)
	return err == nil && s.MountID == uint64(m.ID)
}

// Mounts returns the mount table of this process.
func Mounts() ([]*Mount, error) { return mounts(nil) }

// Node makes a socket that nobody listens to, or a device, at p: mode is as mknod(2) takes it.
func (t *Tree) Node(p string, mode uint32, device uint64) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := do("mknod", t.Path(p), func() error { return unix.Mknodat(dir.fd, name, mode, int(device)) }); err != nil {
		return err
	}
	return dir.Adjust(name, func(has Perm) Perm { has.Mode = mode & 0o7777; return has }) // not as the umask has it
}

// FS_IMMUTABLE_FL and FS_APPEND_FL of linux/fs.h.
const (
	immutable  = 0x10
	appendOnly = 0x20
)

// Unfix lets everything in the tree be changed again: see the flags a and i of chattr(1).
func (t *Tree) Unfix() error {
	return t.Walk(func(p string, s Stat) error {
		if !s.Fixed || !s.IsDir() && !s.IsFile() {
			return nil
		}
		fd, err := t.open(p, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
		if err != nil {
			return wrap("get flags", t.Path(p), err)
		}
		return do("set flags", t.Path(p), func() error {
			return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags&^(immutable|appendOnly)))
		})
	})
}
