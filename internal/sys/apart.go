package sys

import "golang.org/x/sys/unix"

// apart makes a mount of an object that nothing shows yet. What is mounted in it later is not seen where the object comes from,
// nor the other way round: a copy of a shared mount is its peer (mount_namespaces(7)), and systemd shares all.
// Where it is attached below a shared mount, it becomes a shared one of its own, so that containers see what is mounted in it.
func apart(dir int, name string, flags uint) (int, error) {
	fd, err := unix.OpenTree(dir, name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|flags)
	if err != nil {
		return -1, err
	}
	attr := unix.MountAttr{Propagation: unix.MS_PRIVATE}
	if err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr); err == unix.ENOSYS { // before Linux 5.12
		err = unix.Mount("", procPath(fd), "", unix.MS_PRIVATE, "")
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
