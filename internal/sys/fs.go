package sys

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// FS returns the tree as a file system that can be read only. Like the tree itself it follows no link, wherever one is
// put meanwhile, and it waits for nobody: whoever owns a directory can put a pipe in the place of a file.
func (t *Tree) FS() fs.FS { return treeFS{t} }

type treeFS struct{ tree *Tree }

// Open implements [fs.FS].
func (f treeFS) Open(name string) (fs.File, error) {
	return f.open("open", name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
}

// Lstat implements [fs.ReadLinkFS].
func (f treeFS) Lstat(name string) (fs.FileInfo, error) {
	file, err := f.open("lstat", name, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.Stat()
}

// ReadLink implements [fs.ReadLinkFS].
func (f treeFS) ReadLink(name string) (string, error) {
	file, err := f.open("readlink", name, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	defer file.Close()
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(file.Fd()), "", buf)
	return string(buf[:max(n, 0)]), wrap("readlink", name, err)
}

// Stat implements [fs.StatFS]; it is Lstat, as no link is followed.
func (f treeFS) Stat(name string) (fs.FileInfo, error) { return f.Lstat(name) }

func (f treeFS) open(op, name string, flags int) (*os.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	fd, err := f.tree.open(name, flags, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.tree.Path(name)), nil
}
