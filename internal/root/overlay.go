package root

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// upper is the directory of the running root: all that differs from what lies below it.
const upper = anicca + "/upper"

// scratch is what an overlay needs beside its upper directory, on the same filesystem: one for the running root,
// one for what that lies over, and one for an old root that is looked at.
const (
	scratch      = anicca + "/scratch"
	scratchBelow = anicca + "/scratch-below"
	scratchOld   = anicca + "/scratch-old"
)

// directories are roots as the upper directories of overlays: a fresh one is empty, an old one is exactly what its session
// changed. They work on any filesystem that takes extended attributes. They are told apart by inode and birth.
type directories struct {
	top   *sys.Tree
	whole bool // base 1 is the top level itself, as on a machine that was not repartitioned
}

func (v directories) Name() decl.Backend { return decl.Overlay }

func (v directories) Fresh(from, p, _ string) error {
	s, err := v.top.Stat(from)
	if err != nil {
		return err
	}
	if err := v.top.Mkdir(p, sys.Perm{UID: int(s.Uid), GID: int(s.Gid), Mode: s.Perm()}); err != nil {
		return err
	}
	if !v.whole {
		return nil
	}
	// An overlay does not let its own upper directory be looked up through its lower one: out of sight with it.
	return v.top.Whiteout(path.Join(p, anicca))
}

func (v directories) Freeze(string, string) error { return ErrNextBoot }

func (v directories) Identity(p string) (string, error) {
	s, err := v.top.Stat(p)
	if missing(err) {
		return "", nil
	}
	if err == nil && s.Type() != fs.ModeDir {
		err = fmt.Errorf("%s is not a directory", v.top.Path(p))
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("inode:%d:%d", s.Ino, s.Born.UnixNano()), nil
}

func (v directories) Intact(p, identity string) error {
	id, err := v.Identity(p)
	switch {
	case err != nil:
		return err
	case id == "":
		return errors.New("is missing")
	case id != identity:
		return fmt.Errorf("is not the one in the ledger (%s, not %s)", id, identity)
	}
	return nil
}

func (v directories) Exchange(work, root, _ string) error { return v.top.Exchange(work, root) }

func (v directories) PutAway(work, old string) error { return v.top.Rename(work, old) }

func (v directories) Finish(_, _ string) error { return nil }

func (v directories) Remove(p string) error { return v.top.RemoveTree(p) }

// InUse looks for overlays over it too: an old root that is looked at is mounted as one.
func (v directories) InUse(p string) (string, error) {
	at, err := v.top.InUse(p)
	if err != nil || at != "" {
		return at, err
	}
	return sys.LayerInUse(p)
}

func (v directories) List(dir string) ([]string, error) { return v.top.List(dir) }

// Open mounts an old root read-only over what it lies over, where only root can look, until it is let go of.
// By itself it is a directory like any other.
func (v directories) Open(p string, layers []string) (dir string, done func() error, err error) {
	if len(layers) == 0 {
		return v.top.Path(p), func() error { return nil }, nil
	}
	if len(layers) == 1 && layers[0] == wholeDisk && below(p) {
		return belowDir, func() error { return nil }, nil
	}
	private, leave, err := private()
	if err != nil {
		return "", nil, err
	}
	at, err := sys.OpenTree(private)
	if err != nil {
		return "", nil, errors.Join(err, leave())
	}
	s := stack{top: v.top, at: at, scratch: scratchOld}
	done = func() error {
		defer at.Close()
		return errors.Join(s.unmount(), leave())
	}
	if err := s.mount("root", append([]string{p}, layers...)); err != nil {
		return "", nil, errors.Join(err, done())
	}
	return path.Join(private, "root"), done, nil
}

func (v directories) Check(dir string, made Made) error {
	id, err := v.Identity(upper)
	if err == nil && id != made.UUID {
		err = fmt.Errorf("the upper directory is %s, but this boot made %s", id, made.UUID)
	}
	if err != nil {
		return err
	}
	return CheckOverlay(dir)
}

// CheckOverlay reports with an error if the root mounted at dir is not an overlay over anicca's upper directory.
func CheckOverlay(dir string) error {
	m, err := sys.MountAt(dir)
	if err != nil {
		return err
	}
	for o := range strings.SplitSeq(m.VFSOptions, ",") {
		p, ok := strings.CutPrefix(o, "upperdir=")
		if ok && m.FSType == "overlay" && (strings.HasSuffix(p, "/"+upper) || p == path.Join(ramDir, path.Base(upper))) {
			return nil
		}
	}
	return fmt.Errorf("the root at %s is %s, not the overlay that this boot made", dir, m.FSType)
}

// Whole reports whether base 1 is the top level of the filesystem itself.
func (d *Disk) Whole() bool {
	v, ok := d.kind.(directories)
	return ok && v.whole
}

// CreateOverlay sets up the filesystem whose top level is mounted at dir for roots that are overlays over what lies at base,
// from the top level: base 1. It may be called again after an interruption.
func CreateOverlay(dir, base string, l Ledger, now time.Time) (*Disk, error) {
	l.Backend, l.Root = decl.Overlay, upper
	d, err := Create(dir, l, now)
	if err != nil {
		return nil, err
	}
	if err := d.Adopt(base, now); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// belowDir is where what the root lies over is put together, if that is more than one directory.
const belowDir = runPrivate + "/below"

// MountRoot mounts the root of an overlay at the directory dir.
// Device is what the mount table shall name as its source: boot loaders' tools look there for the disk.
func (d *Disk) MountRoot(device, dir string) error {
	v, ok := d.kind.(directories)
	if !ok {
		return fmt.Errorf("internal error: a root of %s is not mounted by us", d.kind.Name())
	}
	return d.mountRoot(v, device, dir, v.top.Path(upper), v.top.Path(scratch))
}

func (d *Disk) mountRoot(v directories, device, dir, upper, scratch string) error {
	layers, err := d.under()
	if err != nil {
		return err
	}
	lower := layer(v.top, layers[0])
	if len(layers) > 1 {
		// For as long as the machine runs, like the disk itself.
		at, err := place(belowDir)
		if err != nil {
			return err
		}
		defer at.Close()
		s := stack{top: v.top, at: at.Tree, scratch: scratchBelow}
		if lower, err = s.lower(layers); err != nil {
			return err
		}
	}
	return mountOverlay(v.top, device, dir, nil, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, scratch))
}

// mostBases is how many bases can lie one over the other: the kernel takes 500 lower directories.
const mostBases = 480

// layer is how an overlay that [mountOverlay] mounts names one of its lower directories. All options together may be as long as
// a page, so bases have short names, from the directory that they lie in.
func layer(top *sys.Tree, p string) string {
	if number, ok := strings.CutPrefix(p, baseDir+"/"); ok {
		return number
	}
	return top.Path(p)
}

// mountOverlay mounts an overlay of directories of the filesystem at top. The options that depend on how a kernel was built are said, so that one kernel can read
// what another has written. Inside a user namespace the marks of an overlay have to be attributes that a user may set.
func mountOverlay(top *sys.Tree, device, dir string, options []string, data string) error {
	t, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	if sys.InUserNamespace() {
		data += ",userxattr"
	} else {
		data += ",index=off,metacopy=off,redirect_dir=on"
	}
	if len(data) >= os.Getpagesize() { // the kernel would read no further, and mount what it has read
		return fmt.Errorf("mount at %s: the options are %d bytes long, and the kernel takes %d", dir, len(data), os.Getpagesize()-1)
	}
	bases, err := top.Sub(baseDir)
	if err != nil {
		return err
	}
	defer bases.Close()
	return bases.WorkIn(func() error { return t.Mount(device, ".", "overlay", options, data) })
}
