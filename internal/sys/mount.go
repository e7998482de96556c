package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// attrs are the options of a bind mount that the kernel knows.
var attrs = map[string]uint64{
	"ro": unix.MOUNT_ATTR_RDONLY, "nosuid": unix.MOUNT_ATTR_NOSUID, "nodev": unix.MOUNT_ATTR_NODEV,
	"noexec": unix.MOUNT_ATTR_NOEXEC, "noatime": unix.MOUNT_ATTR_NOATIME,
	"nodiratime": unix.MOUNT_ATTR_NODIRATIME, "relatime": unix.MOUNT_ATTR_RELATIME,
}

// Bind mounts the object at src in one tree over the object at dst in another.
// Both are opened first and named by descriptor only,
// so that nobody can lead the mount elsewhere by swapping a component.
// Options that begin with "x-" are for user space and are passed over.
// It makes sure that the path shows the new mount, and the very object at src.
func Bind(from *Tree, src string, to *Tree, dst string, options []string) error {
	name := to.Path(dst)
	s, err := from.open(src, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	kept, err := fstat(s, name)
	if err != nil {
		return err
	}
	p := place{}
	if p.fd, err = to.open(dst, unix.O_PATH|unix.O_NOFOLLOW, 0); err != nil {
		return err
	}
	defer p.close()
	if p.covered, err = fstat(p.fd, name); err != nil {
		return err
	}
	m, err := clone(s, "", unix.AT_EMPTY_PATH, kept, name)
	if err != nil {
		return err
	}
	defer unix.Close(m.fd)
	return m.attach(p, to, dst, options)
}

// place is what is covered by a mount.
type place struct {
	fd      int    // it is open; below 0 if it is named by
	dir     int    // the directory that it lies in, into which nobody else can put anything,
	name    string // and its last component
	covered Stat
}

func (p place) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
	}
}

// cloned is a mount that nothing shows yet.
type cloned struct {
	fd int
	s  Stat // its root; the mount is its own
}

// clone makes a mount of the object that kept describes.
func clone(dir int, name string, flags uint, kept Stat, at string) (m cloned, err error) {
	// Not recursive: what is mounted inside the store does not belong to the entry.
	if m.fd, err = apart(dir, name, flags); err != nil {
		return m, wrap("open_tree", at, err)
	}
	if m.s, err = fstat(m.fd, at); err == nil && !m.s.SameObject(kept) {
		err = wrap("bind", at, errors.New("the kept copy was replaced meanwhile"))
	}
	if err != nil {
		unix.Close(m.fd)
	}
	return m, err
}

var errNotOneType = errors.New("the kept copy and what lies at the path are not of one type")

// attach lets the mount show over a place, which lies at dst.
func (m cloned) attach(p place, to *Tree, dst string, options []string) error {
	name := to.Path(dst)
	if t := m.s.Type(); t != p.covered.Type() || t == fs.ModeSymlink {
		return wrap("bind", name, errNotOneType)
	}
	attr := unix.MountAttr{}
	for _, o := range options {
		if strings.HasPrefix(o, "x-") {
			continue
		}
		bit, ok := attrs[o]
		if !ok {
			return wrap("bind", name, fmt.Errorf("unknown mount option %q", o))
		}
		if strings.HasSuffix(o, "atime") && o != "nodiratime" {
			attr.Attr_clr |= unix.MOUNT_ATTR__ATIME
		}
		attr.Attr_set |= bit
	}
	if attr.Attr_set != 0 {
		if err := unix.MountSetattr(m.fd, "", unix.AT_EMPTY_PATH, &attr); err != nil {
			return wrap("mount_setattr", name, err)
		}
	}
	err := do("move_mount", name, func() error {
		if p.fd < 0 {
			return unix.MoveMount(m.fd, "", p.dir, p.name, unix.MOVE_MOUNT_F_EMPTY_PATH)
		}
		return unix.MoveMount(m.fd, "", p.fd, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	})
	if err != nil {
		return err
	}
	// Whoever owns a directory above can have moved what was covered to another place meanwhile.
	there, err := to.Stat(dst)
	if err != nil || there.MountID != m.s.MountID || !there.SameObject(m.s) {
		return errors.Join(wrap("bind", name, errors.New("was moved while the kept copy was mounted")), unix.Unmount(procPath(m.fd), unix.MNT_DETACH))
	}
	return nil
}

// Mount mounts a filesystem at the directory p of the tree. Data is the filesystem's own options.
func (t *Tree) Mount(source, p, fstype string, options []string, data string) error {
	d, err := t.open(p, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(d)
	var flags uintptr
	for _, o := range options {
		flags |= mountFlags[o]
	}
	return do("mount", t.Path(p), func() error { return unix.Mount(source, procPath(d), fstype, flags, data) })
}

// mountFlags are the options that mount(2) takes apart from those of the filesystem.
var mountFlags = map[string]uintptr{
	"ro": unix.MS_RDONLY, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC,
	"noatime": unix.MS_NOATIME, "nodiratime": unix.MS_NODIRATIME, "relatime": unix.MS_RELATIME, "strictatime": unix.MS_STRICTATIME,
	"lazytime": unix.MS_LAZYTIME, "sync": unix.MS_SYNCHRONOUS, "dirsync": unix.MS_DIRSYNC,
}

// userOptions are mount options that mean something to programs only, or say what is so anyhow, as fstab(5), mount(8) and systemd.mount(5)
// list them.
var userOptions = []string{
	"rw", "defaults", "auto", "noauto", "user", "nouser", "users", "owner", "group", "nofail", "fail", "_netdev",
	"exec", "suid", "dev", "async", "atime", "diratime", "norelatime", "nostrictatime", "nolazytime", "silent", "loud",
}

// SplitOptions takes the mount options of an fstab line apart: those of every mount, and those of the filesystem.
func SplitOptions(options []string) (every []string, data string) {
	var own []string
	for _, o := range options {
		switch _, known := mountFlags[o]; {
		case known:
			every = append(every, o)
		case slices.Contains(userOptions, o), strings.HasPrefix(o, "x-"), strings.HasPrefix(o, "X-"), strings.HasPrefix(o, "comment="):
		default:
			own = append(own, o)
		}
	}
	return every, strings.Join(own, ",")
}

// Unmount detaches the topmost mount at p. With lazy, programs that hold it open keep it until they let go.
func (t *Tree) Unmount(p string, lazy bool) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	flags := unix.UMOUNT_NOFOLLOW
	if lazy {
		flags |= unix.MNT_DETACH
	}
	return do("unmount", t.Path(p), func() error { return unix.Unmount(procPath(dir.fd)+"/"+name, flags) })
}

// MakeWritable remounts the filesystem of the tree for writing if it is read-only; other options stay.
// The initrd mounts a root read-only unless the command line says otherwise.
func (t *Tree) MakeWritable() error {
	var s unix.Statfs_t
	if err := unix.Fstatfs(t.fd, &s); err != nil {
		return wrap("statfs", t.Name(), err)
	}
	if s.Flags&unix.ST_RDONLY == 0 {
		return nil
	}
	flags := uintptr(unix.MS_REMOUNT)
	for st, ms := range map[int64]uintptr{
		unix.ST_NOSUID: unix.MS_NOSUID, unix.ST_NODEV: unix.MS_NODEV, unix.ST_NOEXEC: unix.MS_NOEXEC,
		unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if int64(s.Flags)&st != 0 { // 32 bits on some processors
			flags |= ms
		}
	}
	return do("remount", t.Name(), func() error { return unix.Mount("", procPath(t.fd), "", flags, "") })
}

// MountedFrom reports whether the topmost object at dst is the very object at src, on a mount of its own.
func MountedFrom(from *Tree, src string, to *Tree, dst string) (bool, error) {
	s, err := from.Stat(src)
	if err != nil {
		return false, err
	}
	d, err := to.Stat(dst)
	if err != nil || !s.SameObject(d) {
		return false, err
	}
	up, err := to.Stat(path.Dir(path.Clean("/" + dst)))
	return err == nil && d.MountID != up.MountID, err
}
