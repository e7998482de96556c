package sys

import (
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Tree is an open directory that acts as a root.
// Paths given to its methods may begin with a slash and are always looked up inside it:
// they never follow a symbolic link in any component and never leave it.
type Tree struct {
	fd     int
	name   string
	above  *Tree // that the name is one in, if that is not the whole of it
	listed bool  // the next time begins with going back
}

const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// OpenTree opens the directory at p. The path itself is trusted: links in it are followed.
func OpenTree(p string) (*Tree, error) {
	fd, err := unix.Open(p, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, wrap("open", p, err)
	}
	return &Tree{fd: fd, name: p}, nil
}

// Close releases the directory.
func (t *Tree) Close() error { return unix.Close(t.fd) }

// Name is the path that the tree was opened by, for messages.
func (t *Tree) Name() string {
	if t.above == nil {
		return t.name
	}
	var names []string // joined once: whoever owns a directory can go as deep as they like
	for ; t.above != nil; t = t.above {
		names = append(names, t.name)
	}
	slices.Reverse(names)
	return t.Path(strings.Join(names, "/"))
}

// Path joins p to the tree's name, for messages.
func (t *Tree) Path(p string) string {
	if t.name == "/" && strings.HasPrefix(p, "/") { // mostly
		return path.Clean(p)
	}
	return path.Join(t.Name(), p)
}

// inside turns a path into one that openat2 takes beneath a directory.
func inside(p string) string {
	if rest := strings.TrimPrefix(p, "/"); fs.ValidPath(rest) { // mostly
		return rest
	}
	if p = strings.TrimLeft(path.Clean("/"+p), "/"); p == "" {
		return "."
	}
	return p
}

// open opens p in the tree. For a link as the last component, flags must hold O_PATH and O_NOFOLLOW.
func (t *Tree) open(p string, flags int, mode uint32) (int, error) {
	p = inside(p)
	if first, rest := split(p); rest != "" {
		dir, err := t.open(first, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return -1, err
		}
		defer unix.Close(dir)
		return (&Tree{fd: dir, name: t.Path(first)}).open(rest, flags, mode)
	}
	if flags&unix.O_PATH == 0 {
		flags |= unix.O_LARGEFILE // kernels of 32 bits do not add it: files above 2 GiB would not open
	}
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_CLOEXEC, Resolve: resolve}
	if flags&unix.O_CREAT != 0 {
		how.Mode = uint64(mode)
	}
	fd := -1
	err := retry(func() (err error) {
		// EAGAIN: a component was renamed meanwhile and the kernel could not prove that the path stays inside.
		for range 64 {
			if fd, err = unix.Openat2(t.fd, p, &how); err != unix.EAGAIN {
				return err
			}
		}
		return err
	})
	if err != nil {
		return -1, wrap("open", t.Path(p), err)
	}
	return fd, nil
}

// split takes the first components off a path that is longer than the kernel takes at once.
// Whoever owns a directory can make such, by going deeper and deeper.
func split(p string) (first, rest string) {
	if len(p) < unix.PathMax {
		return p, ""
	}
	if i := strings.LastIndexByte(p[:unix.PathMax-1], '/'); i > 0 {
		return p[:i], p[i+1:]
	}
	return p, ""
}

// Sub opens the directory p as a tree of its own.
func (t *Tree) Sub(p string) (*Tree, error) {
	fd, err := t.open(p, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &Tree{fd: fd, name: t.Path(p)}, nil
}

// Child is [Tree.Sub] for a name that is one component, which takes less time.
func (t *Tree) Child(name string) (*Tree, error) {
	if strings.Contains(name, "/") || name == ".." {
		return t.Sub(name)
	}
	fd := -1
	err := retry(func() (err error) {
		fd, err = unix.Openat(t.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_LARGEFILE|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, wrap("open", t.Path(name), err)
	}
	return &Tree{fd: fd, name: name, above: t}, nil
}

// Through is [Tree.Child] for a directory that we may only look up names in. It cannot be listed.
func (t *Tree) Through(name string) (*Tree, error) {
	fd, err := t.open(name, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &Tree{fd: fd, name: name, above: t}, nil
}

// WorkIn runs f on a thread whose working directory is the tree's, for calls of the kernel that take names from there.
func (t *Tree) WorkIn(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and its working directory with it
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			err = unix.Fchdir(t.fd)
		}
		if err == nil {
			err = f()
			_ = unix.Chdir("/") // the thread lingers, and the filesystem would be busy
		}
		done <- err
	}()
	return <-done
}

// parent opens the directory that p lies in and returns it with p's last component.
func (t *Tree) parent(p string) (*Tree, string, error) {
	up, name := last(p)
	dir, err := t.Sub(up)
	return dir, name, err
}

// last takes the last component off a path, which is absolute then.
func last(p string) (up, name string) {
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	p = path.Clean(p)
	switch i := strings.LastIndexByte(p, '/'); {
	case len(p) == 1:
		return p, p
	case i == 0:
		return "/", p[1:]
	default:
		return p[:i], p[i+1:]
	}
}
