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
	if unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr) != nil { // before Linux 5.12, and in sandboxes, which say anything
		// Some kernels do not take this of what is not attached yet. Then it stays a peer: better than nothing where it shall be.
		_ = unix.Mount("", procPath(fd), "", unix.MS_PRIVATE, "")
	}
	return fd, nil
}
