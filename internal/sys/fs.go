package sys

import (
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// FS is the tree for whoever reads file systems. Like the tree, it follows no link and does not leave it, whatever others
// do to its directories meanwhile; unlike [os.DirFS], it does not wait for the other end of a fifo.
func (t *Tree) FS() fs.FS { return treeFS{t, nil} }

// FS is [Tree.FS], for one goroutine. A directory that was missing once is not looked for again.
func (n *Near) FS() fs.FS { return treeFS{n.t, n.Once()} }

type treeFS struct {
	t    *Tree
	near *Near // nil for none
}

// Open implements [fs.FS].
func (f treeFS) Open(name string) (fs.File, error) {
	fd, err := f.t.open(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	s, err := fstat(fd, f.t.Path(name))
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	if s.IsDir() { // where a filesystem does not tell the types of what it lists, its names are looked up below this one
		return os.NewFile(uintptr(fd), procPath(fd)), nil
	}
	return &file{fd, f.t.Path(name), s}, nil
}

// file is an open file that is only read. An [os.File] would ask the kernel first how it can be waited for.
type file struct {
	fd   int
	name string
	s    Stat
}

func (f *file) Stat() (fs.FileInfo, error) { return &info{path.Base(f.name), f.s}, nil }
func (f *file) Close() error               { return unix.Close(f.fd) }

func (f *file) Read(buf []byte) (n int, err error) {
	if len(buf) == 0 {
		return 0, nil
	}
	err = retry(func() (err error) { n, err = unix.Read(f.fd, buf); return err })
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return max(n, 0), wrap("read", f.name, err)
}

// Lstat implements [fs.ReadLinkFS].
func (f treeFS) Lstat(name string) (fs.FileInfo, error) {
	stat := f.t.Stat
	if f.near != nil {
		stat = f.near.Stat
	}
	s, err := stat(name)
	if err != nil {
		return nil, err
	}
	return &info{path.Base(name), s}, nil
}

// Stat implements [fs.StatFS]. A link is not followed here either.
func (f treeFS) Stat(name string) (fs.FileInfo, error) { return f.Lstat(name) }

// Empty reports whether the directory has no entries, with less ado than by opening it.
func (f treeFS) Empty(name string) (bool, error) { return f.t.emptyDir(name) }

// ReadLink implements [fs.ReadLinkFS].
func (f treeFS) ReadLink(name string) (string, error) { return f.t.Readlink(name) }

// info is a [Stat] as a [fs.FileInfo].
type info struct {
	name string
	s    Stat
}

func (i *info) Name() string       { return i.name }
func (i *info) Size() int64        { return i.s.Size }
func (i *info) ModTime() time.Time { return time.Unix(i.s.Mtim.Unix()) }
func (i *info) IsDir() bool        { return i.s.IsDir() }

// Sys has what [os.Lstat] has.
func (i *info) Sys() any {
	return &syscall.Stat_t{
		Dev: i.s.Dev, Ino: i.s.Ino, Nlink: i.s.Nlink, Mode: i.s.Mode, Uid: i.s.Uid, Gid: i.s.Gid, Size: i.s.Size,
	}
}

// Owner is what Sys has of that, for less.
func (i *info) Owner() (uid, gid int) { return int(i.s.Uid), int(i.s.Gid) }

// Mode returns type and permissions.
func (i *info) Mode() fs.FileMode {
	m := i.s.Type() | fs.FileMode(i.s.Mode&0o777)
	if i.s.Mode&unix.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if i.s.Mode&unix.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if i.s.Mode&unix.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}
