package facts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"anicca/internal/decl"
)

// Object is what lies at one path. The zero Object means that nothing does.
type Object struct {
	Exists bool
	Type   fs.FileMode // type bits only
	Mode   decl.Mode   // permissions, with set-id and sticky bits
	UID    int
	GID    int
	Empty  bool   // a directory without entries, or a file without content; of an entry's directories only known where it matters
	Link   string // target of a symbolic link
	Via    string // the first directory above it that is a symbolic link; nothing behind it is read
	Err    string // why it could not be looked at; then nothing else is known
	Placed string // for the path of a carried file: how it compares with what was placed there; see Placed…
	Same   bool   // for the path of an entry: it holds the same content as its source in the store
}

// How a carried file compares with what was placed in the running root.
const (
	PlacedUnknown = ""        // nobody wrote that down
	PlacedSame    = "same"    // nobody has changed it since
	PlacedChanged = "changed" // or removed it
)

// IsDir reports whether a directory lies there.
func (o Object) IsDir() bool { return o.Exists && o.Type == fs.ModeDir }

// IsFile reports whether a regular file lies there.
func (o Object) IsFile() bool { return o.Exists && o.Type == 0 }

// IsLink reports whether a symbolic link lies there.
func (o Object) IsLink() bool { return o.Exists && o.Type == fs.ModeSymlink }

// sight is a machine's root as it is looked at.
type sight struct {
	fs       fs.FS
	linkless bool // it follows no link anywhere in a path
	brief    bool // whether directories are empty is for fill to find out
}

// object looks at an absolute path without following links.
func (s sight) object(p string) (Object, error) {
	name := strings.Trim(p, "/")
	if name == "" {
		name = "."
	}
	if s.linkless {
		if o, err := s.look(name); !errors.Is(err, syscall.ELOOP) {
			return o, err
		}
	}
	for i := range name {
		if name[i] != '/' {
			continue
		}
		up, err := fs.Lstat(s.fs, name[:i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return Object{}, nil
		case errors.Is(err, syscall.ELOOP): // what was a directory a moment ago is a link now
			return Object{Via: path.Dir("/" + name[:i])}, nil
		case err != nil:
			return Object{}, err
		case up.Mode().Type() == fs.ModeSymlink:
			return Object{Via: "/" + name[:i]}, nil
		case !up.IsDir():
			return Object{}, nil
		}
	}
	o, err := s.look(name)
	if errors.Is(err, syscall.ELOOP) {
		return Object{Via: path.Dir("/" + name)}, nil
	}
	return o, err
}

// look describes what lies at a name.
func (s sight) look(name string) (Object, error) {
	info, err := fs.Lstat(s.fs, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return Object{}, nil
	}
	if err != nil {
		return Object{}, err
	}
	o := Object{Exists: true, Type: info.Mode().Type(), Mode: mode(info.Mode())}
	if by, ok := info.(interface{ Owner() (uid, gid int) }); ok {
		o.UID, o.GID = by.Owner()
	} else if st, ok := info.Sys().(*syscall.Stat_t); ok {
		o.UID, o.GID = int(st.Uid), int(st.Gid)
	}
	switch o.Type {
	case fs.ModeDir:
		if !s.brief {
			o.Empty, err = emptyDir(s.fs, name)
		}
	case fs.ModeSymlink:
		o.Link, err = fs.ReadLink(s.fs, name)
	case 0:
		o.Empty = info.Size() == 0
	}
	return o, err
}

// fill finds out whether a directory is empty.
func (s sight) fill(o *Object, p string) (err error) {
	if o.IsDir() {
		o.Empty, err = emptyDir(s.fs, p[1:])
	}
	return err
}

// mode is the permission bits as chmod(2) takes them.
func mode(m fs.FileMode) decl.Mode {
	out := decl.Mode(m.Perm())
	if m&fs.ModeSetuid != 0 {
		out |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		out |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		out |= 0o1000
	}
	return out
}

// emptyDir reads one name only: a kept directory may have a million.
func emptyDir(fsys fs.FS, name string) (bool, error) {
	if f, ok := fsys.(interface{ Empty(string) (bool, error) }); ok {
		return f.Empty(name)
	}
	d, err := fsys.Open(name)
	if err != nil {
		return false, err
	}
	defer d.Close()
	r, ok := d.(fs.ReadDirFile)
	if !ok {
		return false, fmt.Errorf("%s: not a directory", name)
	}
	_, err = r.ReadDir(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// same reports whether two paths hold the same names, types and content.
// Owners, modes and extended attributes are compared when a plan is applied.
func same(fsys fs.FS, a, b string) (bool, error) {
	x, err := fs.Lstat(fsys, a)
	if err != nil {
		return false, err
	}
	y, err := fs.Lstat(fsys, b)
	if err != nil {
		return false, err
	}
	if x.Mode().Type() != y.Mode().Type() {
		return false, nil
	}
	switch x.Mode().Type() {
	case fs.ModeDir:
		return sameDir(fsys, a, b)
	case fs.ModeSymlink:
		s, err1 := fs.ReadLink(fsys, a)
		t, err2 := fs.ReadLink(fsys, b)
		return s == t, errors.Join(err1, err2)
	case 0:
		if x.Size() != y.Size() {
			return false, nil
		}
		return sameFile(fsys, a, b)
	}
	return true, nil
}

func sameDir(fsys fs.FS, a, b string) (bool, error) {
	xs, err := fs.ReadDir(fsys, a)
	if err != nil {
		return false, err
	}
	ys, err := fs.ReadDir(fsys, b)
	if err != nil {
		return false, err
	}
	if !slices.EqualFunc(xs, ys, func(x, y fs.DirEntry) bool { return x.Name() == y.Name() }) {
		return false, nil
	}
	for _, x := range xs {
		if ok, err := same(fsys, path.Join(a, x.Name()), path.Join(b, x.Name())); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func sameFile(fsys fs.FS, a, b string) (bool, error) {
	f, err := fsys.Open(a)
	if err != nil {
		return false, err
	}
	defer f.Close()
	g, err := fsys.Open(b)
	if err != nil {
		return false, err
	}
	defer g.Close()
	room := 64 << 10
	if s, err := f.Stat(); err == nil && s.Size() < int64(room) {
		room = int(s.Size()) + 1 // one more, to see the end
	}
	x, y := make([]byte, room), make([]byte, room)
	for {
		n, err1 := io.ReadFull(f, x)
		m, err2 := io.ReadFull(g, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if end(err1) || end(err2) {
			return end(err1) && end(err2), nil
		}
		if err := errors.Join(err1, err2); err != nil {
			return false, err
		}
	}
}

func end(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
