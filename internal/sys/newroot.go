package sys

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// DeviceOf returns the block device that what is mounted at dir is on, by the kernel's own name in /dev. It asks the kernel:
// the mount table may say "/dev/root", and udev, which makes all other names, may not have run.
// Of a btrfs of several devices it is any.
func DeviceOf(dir string) (string, error) {
	t, err := OpenTree(dir)
	if err != nil {
		return "", err
	}
	defer t.Close()
	s, err := fstat(t.fd, dir)
	if err != nil {
		return "", err
	}
	if major := unix.Major(s.Dev); major != 0 {
		number := strconv.Itoa(int(major)) + ":" + strconv.Itoa(int(unix.Minor(s.Dev)))
		at, err := os.Readlink("/sys/dev/block/" + number)
		return blockDevice(filepath.Base(at)), err
	}
	id, err := t.btrfsUUID()
	if err != nil {
		return "", wrap("device", dir, errors.New("it is not on a block device"))
	}
	devices, err := os.ReadDir("/sys/fs/btrfs/" + id + "/devices")
	if err == nil && len(devices) == 0 {
		err = wrap("device", dir, errors.New("the kernel does not tell"))
	}
	if err != nil {
		return "", err
	}
	return blockDevice(devices[0].Name()), nil
}

// blockDevice is the path of a block device by its name in /sys, where "!" stands for "/".
func blockDevice(name string) string { return "/dev/" + strings.ReplaceAll(name, "!", "/") }

// Carry shows the given mount points of the running root, with all that is mounted below them, at the same places of the
// root that is mounted at dir. What is mounted at dir itself may lie below one of them and is left out.
func Carry(dir string, points []string) error {
	to, err := OpenTree(dir)
	if err != nil {
		return err
	}
	defer to.Close()
	// A copy of a tree of mounts leaves out what is unbindable, with all below it.
	hide := func(kind uintptr) error {
		return do("set propagation", dir, func() error { return unix.Mount("", procPath(to.fd), "", kind, "") })
	}
	if err := hide(unix.MS_UNBINDABLE); err != nil {
		return err
	}
	var errs []error
	for _, p := range points {
		errs = append(errs, carry(p, to))
	}
	return errors.Join(append(errs, hide(unix.MS_PRIVATE))...)
}

func carry(p string, to *Tree) error {
	d, err := to.open(p, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(d)
	m, err := unix.OpenTree(unix.AT_FDCWD, p, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return wrap("open_tree", p, err)
	}
	defer unix.Close(m)
	return do("move_mount", to.Path(p), func() error {
		return unix.MoveMount(m, "", d, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	})
}

// ChangeRoot makes the filesystem that is mounted at dir the root of this process and of all others that have its root,
// and lets go of the old one with everything that is mounted in it.
func ChangeRoot(dir string) error {
	if err := wrap("change directory", dir, unix.Chdir(dir)); err != nil {
		return err
	}
	// The old root comes to lie over the new one, see pivot_root(2): it needs no directory to be moved to.
	if err := do("pivot_root", dir, func() error { return unix.PivotRoot(".", ".") }); err != nil {
		return errors.Join(err, unix.Chdir("/"))
	}
	return errors.Join(
		do("unmount", "the old root", func() error { return unix.Unmount(".", unix.MNT_DETACH) }),
		unix.Chdir("/"))
}
