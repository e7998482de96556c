package sys

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls of Linux 6.13, with the same numbers on all architectures but alpha. Where they are missing, the name of a
// descriptor in /proc leads to the same object, at twice the price.
const (
	sysGetxattrat  = 464
	sysListxattrat = 465
)

var noXattrat atomic.Bool

// Xattrs reads the extended attributes of what lies at p that can be copied, as [Copy] does, without those whose names begin with
// one of the prefixes. A link is not followed.
func (t *Tree) Xattrs(p string, without ...string) (map[string][]byte, error) {
	dir, name, done, err := t.beside(p)
	if err != nil {
		return nil, err
	}
	defer done()
	r := readers.Get().(*reader)
	defer readers.Put(r)
	buf, val := r.buf[:4096], r.buf[4096:8192]
	n, err := dir.listxattr(name, buf)
	switch {
	case err == nil && n == 0, errors.Is(err, unix.ENOTSUP):
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, wrap("listxattr", t.Path(p), err)
	case err != nil:
		return dir.manyXattrs(name)
	}
	var out map[string][]byte
	for names := buf[:n]; len(names) > 0; {
		one, rest, _ := bytes.Cut(names, []byte{0})
		names = rest
		if len(one) == 0 || bytes.HasPrefix(one, []byte("trusted.SGI_ACL_")) || string(one) == "security.evm" || begins(one, without) {
			continue
		}
		attr := string(one)
		n, err := dir.getxattr(name, attr, val)
		if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
			continue
		}
		if err != nil {
			return dir.manyXattrs(name)
		}
		if out == nil {
			out = map[string][]byte{}
		}
		out[attr] = bytes.Clone(val[:n])
	}
	return out, nil
}

func begins(name []byte, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(string(name), p) {
			return true
		}
	}
	return false
}

// manyXattrs reads attributes of any size.
func (t *Tree) manyXattrs(name string) (map[string][]byte, error) {
	h, err := t.open(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(h)
	return xattrs(h, t.Path(name))
}

func (t *Tree) listxattr(name string, buf []byte) (int, error) {
	if name == "." {
		return unix.Flistxattr(t.fd, buf)
	}
	if !noXattrat.Load() {
		p, err := unix.BytePtrFromString(name)
		if err != nil {
			return 0, err
		}
		n, _, e := unix.Syscall6(sysListxattrat, uintptr(t.fd), uintptr(unsafe.Pointer(p)), unix.AT_SYMLINK_NOFOLLOW,
			uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0)
		if !missingCall(e) {
			return result(n, e)
		}
	}
	return unix.Llistxattr(procPath(t.fd)+"/"+name, buf)
}

func (t *Tree) getxattr(name, attr string, val []byte) (int, error) {
	if !noXattrat.Load() {
		p, err := unix.BytePtrFromString(name)
		if err != nil {
			return 0, err
		}
		a, err := unix.BytePtrFromString(attr)
		if err != nil {
			return 0, err
		}
		args := struct { // struct xattr_args of linux/xattr.h
			value       unsafe.Pointer
			size, flags uint32
		}{unsafe.Pointer(&val[0]), uint32(len(val)), 0}
		n, _, e := unix.Syscall6(sysGetxattrat, uintptr(t.fd), uintptr(unsafe.Pointer(p)), unix.AT_SYMLINK_NOFOLLOW,
			uintptr(unsafe.Pointer(a)), uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args))
		if !missingCall(e) {
			return result(n, e)
		}
	}
	return unix.Lgetxattr(procPath(t.fd)+"/"+name, attr, val)
}

// missingCall reports whether a kernel has no such call, or a sandbox forbids what it does not know.
func missingCall(e unix.Errno) bool {
	if e == unix.ENOSYS || e == unix.EPERM {
		noXattrat.Store(true)
		return true
	}
	return false
}

func result(n uintptr, e unix.Errno) (int, error) {
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// beside is the directory that p lies in, without opening it again if that is the tree's own.
func (t *Tree) beside(p string) (dir *Tree, name string, done func(), err error) {
	if p = inside(p); !strings.Contains(p, "/") {
		return t, p, func() {}, nil
	}
	if dir, name, err = t.parent(p); err != nil {
		return nil, "", nil, err
	}
	return dir, name, func() { dir.Close() }, nil
}

// xattrs reads all extended attributes of the object behind h that another can be given: xfs lists access lists a second time
// under a name of its own, and the kernel signs each inode by itself. The name in /proc leads to the very object, also to a link.
func xattrs(h int, at string) (map[string][]byte, error) {
	var room [256]byte
	names, err := grow(room[:], func(buf []byte) (n int, err error) {
		if n, err = unix.Flistxattr(h, buf); err == unix.EBADF { // it is only a path
			n, err = unix.Listxattr(procPath(h), buf)
		}
		return n, err
	})
	if len(names) == 0 && err == nil || errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("listxattr", at, err)
	}
	out := map[string][]byte{}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		if name == "" || strings.HasPrefix(name, "trusted.SGI_ACL_") || name == "security.evm" {
			continue
		}
		val, err := grow(room[:], func(buf []byte) (int, error) { return unix.Getxattr(procPath(h), name, buf) })
		if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
			continue
		}
		if err != nil {
			return nil, wrap("getxattr "+name, at, err)
		}
		out[name] = slices.Clone(val)
	}
	return out, nil
}

// grow reads what may need more room than is there: at most 64 KiB, see xattr(7).
func grow(buf []byte, read func([]byte) (int, error)) ([]byte, error) {
	n, err := read(buf)
	if err == unix.ERANGE {
		buf = make([]byte, 64<<10)
		n, err = read(buf)
	}
	return buf[:max(n, 0)], err
}
