package trial

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"anicca/internal/sys"
)

// small is up to which size files are copied, in bytes. Larger ones are shown read-only.
const small = 16 << 20

// tiny is the same for files of other owners, which cannot be written anyway.
const tiny = 256 << 10

// inPieces copies a directory that no overlay can lie over: its directories get one each, and its files are copied.
func (c *copier) inPieces(p point) error {
	at := c.next("piece")
	if err := c.dirLike(p.path, c.place, at); err != nil {
		return err
	}
	g, err := c.place.Graft(at, false)
	if err != nil {
		return err
	}
	if err := g.NoDevices(); err != nil {
		return errors.Join(err, g.Close())
	}
	if p.path == "/" {
		if err = g.Attach(c.place, rootDir); err == nil {
			c.root, err = sys.OpenTree(c.place.Path(rootDir))
		}
	} else {
		err = g.Attach(c.root, p.path)
	}
	if err != nil {
		return err
	}
	if !c.quiet(p.path, p.kind) {
		c.layers = append(c.layers, layer{at: p.path, was: p.path, now: p.path, kind: pieces})
	}
	c.tell(p, Pieces, c.obstacle(p.path))
	return c.fill(p)
}

// fill puts all that lies in a directory into its copy. Places for what is mounted there are left empty: they are points themselves.
func (c *copier) fill(dir point) error {
	real, err := c.real.Sub(dir.path)
	if err != nil {
		return err
	}
	defer real.Close()
	here := c.real.MountID(dir.path)
	all, err := entries(real)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range all {
		p := dir
		p.path = path.Join(dir.path, e.Name)
		if p.path == c.Place || sys.IsTemp(e.Name) {
			continue
		}
		if err := c.piece(p, e, e.MountID != here); !errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (c *copier) piece(p point, e sys.Entry, mount bool) error {
	if err := c.placePiece(p, e, mount); err != nil {
		return err
	}
	s, err := c.root.Stat(p.path)
	if err == nil {
		c.placed[p.path] = stampOf(s)
	}
	return err
}

func (c *copier) placePiece(p point, e sys.Entry, mount bool) error {
	switch {
	case e.IsDir():
		return c.pieceDir(p, mount)
	case e.Type() == fs.ModeSocket:
		return c.root.Node(p.path, syscall.S_IFSOCK|e.Perm(), 0)
	case e.IsLink():
		if sys.Copy(c.real, p.path, c.root, p.path) == nil {
			return nil
		}
		target, err := c.real.Readlink(p.path)
		if err != nil {
			return err
		}
		return c.root.Symlink(target, p.path)
	case !e.IsFile():
		return nil
	case !mount && e.Size <= small && sys.Copy(c.real, p.path, c.root, p.path) == nil:
		return nil
	}
	if !mount && e.Size <= tiny { // of another owner
		data, err := c.real.ReadFile(p.path)
		if err == nil {
			return c.root.WriteFile(p.path, data, sys.Mine(e.Perm()&^0o222))
		}
	}
	if err := c.root.CreateFile(p.path, sys.Mine(0)); err != nil || mount {
		return err
	}
	return c.readOnly(p, "")
}

func (c *copier) pieceDir(p point, mount bool) error {
	if err := c.dirLike(p.path, c.root, p.path); err != nil {
		return err
	}
	switch {
	case mount:
		return nil
	case c.obstacle(p.path) != "":
		return c.fill(p)
	}
	err := c.overlay(p)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission) && !c.Root: // nor could it be looked at outside
		c.shut[p.path] = true
		return c.root.Adjust(p.path, func(has sys.Perm) sys.Perm { has.Mode = 0; return has })
	}
	return c.readOnly(p, "no overlay can lie over it: "+plainly(err))
}

// stamp is what a piece is known by: whatever is done to it changes one of them.
type stamp struct {
	inode              uint64
	seconds, fractions int64 // when it was changed
}

func stampOf(s sys.Stat) stamp {
	sec, nsec := s.Ctim.Unix()
	return stamp{s.Ino, sec, nsec}
}

// untouched reports whether what lies in a directory in pieces is as it was put there. What it was copied from can have changed
// meanwhile, or be new.
func (c *copier) untouched(p string) bool {
	was, ok := c.placed[p]
	s, err := c.root.Stat(p)
	switch {
	case err != nil:
		return !ok
	case c.shut[p]:
		return true
	case !ok || s.IsDir():
		return false
	}
	return was == stampOf(s)
}

// file shows a copy of a file that is mounted on its own.
func (c *copier) file(p point) error {
	was, now, name := c.next("was"), c.next("now"), path.Base(p.path)
	for _, d := range []string{was, now} {
		if err := c.place.Mkdir(d, sys.Mine(0o755)); err != nil {
			return err
		}
		if err := sys.Copy(c.real, p.path, c.place, path.Join(d, name)); err != nil {
			return c.readOnly(p, "it cannot be copied: "+plainly(err))
		}
	}
	g, err := c.place.Graft(path.Join(now, name), false)
	if err != nil {
		return err
	}
	if !c.quiet(p.path, p.kind) {
		c.layers = append(c.layers, layer{at: path.Dir(p.path), was: was, now: now, kind: single})
	}
	c.tell(p, Copied, "")
	return g.Attach(c.root, p.path)
}

// entries describes all that lies in a directory, sorted by name.
func entries(t *sys.Tree) (all []sys.Entry, err error) {
	err = t.Each(func(name []byte, s *sys.Stat) error {
		all = append(all, sys.Entry{Name: string(name), Stat: *s})
		return nil
	})
	slices.SortFunc(all, func(a, b sys.Entry) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}
