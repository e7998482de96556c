package root

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"anicca/internal/sys"
)

// Overlay makes fresh roots as empty upper directories over a base directory.
// The upper directory of an old root is exactly what its session changed.
// It is what "anicca try" runs on.
type Overlay struct{ disk }

// upper is the directory of the running root.
const upper = "upper"

// CreateOverlay sets up the directory top, whose base 1 is the directory tree that the caller has put at top/anicca/base/1,
// or opens it if that was done before.
func CreateOverlay(top string, l Ledger, now time.Time) (*Overlay, error) {
	t, err := sys.OpenTree(top)
	if err != nil {
		return nil, err
	}
	perm := sys.Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: 0o755}
	l.Root = upper
	if err := createDisk(t, l, now, perm); err != nil {
		return nil, err
	}
	for _, p := range []string{upper, "scratch"} {
		if err := t.MkdirAll(p, func(string) sys.Perm { return perm }); err != nil {
			return nil, err
		}
	}
	o := &Overlay{disk{top: t, kind: directories{t}}}
	if o.ledger, err = readLedger(t); err != nil {
		return nil, err
	}
	if len(o.ledger.Bases) == 0 {
		_, err = o.recordBase(Base{Number: 1, Made: now.UTC()}, now)
	}
	return o, err
}

// Mount mounts the root, the upper directory over the base, at the directory dir.
func (o *Overlay) Mount(dir string) error {
	base, err := o.Base()
	if err != nil {
		return err
	}
	opts := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s",
		o.top.Path(basePath(base.Number)), o.top.Path(upper), o.top.Path("scratch"))
	return mountOverlay(dir, opts)
}

// OpenOld mounts an old root read-only, over the base that it was made from, until it is let go of.
func (o *Overlay) OpenOld(id string) (string, func() error, error) {
	p, err := o.find(id)
	if err != nil {
		return "", nil, err
	}
	base, err := o.Base()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp(o.top.Name(), "old-")
	if err != nil {
		return "", nil, err
	}
	if err := mountOverlay(dir, fmt.Sprintf("lowerdir=%s:%s", o.top.Path(p), o.top.Path(basePath(base.Number)))); err != nil {
		return "", nil, err
	}
	return dir, func() error {
		if err := o.top.Unmount(path.Base(dir), false); err != nil {
			return err
		}
		return os.Remove(dir)
	}, nil
}

// mountOverlay mounts an overlay. Inside a user namespace its marks have to be user attributes.
func mountOverlay(dir, opts string) error {
	t, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	if err = t.Mount("anicca", ".", "overlay", nil, opts+",userxattr"); err != nil {
		err = t.Mount("anicca", ".", "overlay", nil, opts)
	}
	return err
}

// Verify reports with an error if the upper directory is not the one that was made.
func (o *Overlay) Verify(_ string, made Made) error {
	id, err := o.kind.identity(upper)
	if err == nil && id != made.UUID {
		err = fmt.Errorf("the upper directory is %s, but this boot made %s", id, made.UUID)
	}
	return err
}

var _ Backend = (*Overlay)(nil)

// directories are roots as plain directories, told apart by their inodes.
type directories struct{ top *sys.Tree }

func (v directories) fresh(_ int, p string) error {
	return v.top.Mkdir(p, sys.Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: 0o755})
}

func (v directories) identity(p string) (string, error) {
	s, err := v.top.Stat(p)
	if missing(err) {
		return "", nil
	}
	if err == nil && s.Type() != fs.ModeDir {
		err = fmt.Errorf("%s is not a directory", v.top.Path(p))
	}
	return fmt.Sprintf("inode:%d:%d", s.Dev, s.Ino), err
}

func (v directories) remove(p string) error { return v.top.RemoveTree(p) }

func (v directories) intact(base Base) error {
	_, err := v.top.Stat(basePath(base.Number))
	return err
}
