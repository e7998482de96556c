package trial

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"anicca/internal/changes"
	"anicca/internal/review"
	"anicca/internal/sys"
)

// show mounts a point in the copy.
func (c *copier) show(p point) error {
	if p.path == "/" {
		return c.top(p)
	}
	if c.root == nil {
		return errors.New("internal error: no root")
	}
	s, err := c.real.Stat(p.path)
	if err != nil || p.hidden {
		c.tell(p, Hidden, "it cannot be looked at")
		return nil
	}
	if there, err := c.root.Exists(p.path); err != nil || !there {
		c.tell(p, Hidden, "the copy has no such path")
		return nil
	}
	switch {
	case s.IsFile() && !p.locked && s.Size <= small:
		return c.file(p)
	case !s.IsDir() && !s.IsFile():
		return nil
	case !s.IsDir() || p.locked || slices.Contains(pseudo, p.kind):
		return c.readOnly(p, "")
	}
	if c.obstacle(p.path) != "" {
		return c.inPieces(p)
	}
	if err := c.overlay(p); err != nil {
		return c.readOnly(p, "no overlay can lie over it: "+plainly(err))
	}
	c.tell(p, Copied, "")
	return nil
}

// top makes the root of the copy.
func (c *copier) top(p point) (err error) {
	if c.obstacle("/") != "" {
		return c.inPieces(p)
	}
	if err := c.overlayAt(p, c.place, rootDir); err != nil {
		return fmt.Errorf("the root cannot be copied: %w", err)
	}
	c.tell(p, Copied, "")
	c.root, err = sys.OpenTree(c.place.Path(rootDir))
	return err
}

func (c *copier) tell(p point, how How, why string) {
	if !c.quiet(p.path, p.kind) {
		c.trees = append(c.trees, Tree{p.path, how, why})
	}
}

// quiet reports whether nobody wants to hear of a tree: it is of this boot only.
func (c *copier) quiet(p, kind string) bool {
	return within(p, "/run") && (kind == "" || kind == "tmpfs" || kind == "ramfs" || slices.Contains(pseudo, kind) || strings.HasPrefix(kind, "fuse.")) ||
		slices.Contains(pseudo, kind)
}

// plainly is what an error says, without where.
func plainly(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}

// overlay lays one over what can be seen at a path, for the copy.
func (c *copier) overlay(p point) error { return c.overlayAt(p, c.root, p.path) }

func (c *copier) overlayAt(p point, to *sys.Tree, at string) error {
	up, work := c.next("up"), c.next("work")
	l := layer{at: p.path, now: up, kind: overlay}
	low, err := c.low(p.path, &l)
	if err != nil {
		return err
	}
	defer low.Close()
	if err := c.dirLike(p.path, c.place, up); err != nil {
		return err
	}
	if err := c.place.Mkdir(work, sys.Mine(0o700)); err != nil {
		return err
	}
	upper, err := c.place.Sub(up)
	if err != nil {
		return err
	}
	defer upper.Close()
	if c.FakeRoot {
		if err := c.skeleton(p.path, low, upper); err != nil {
			return err
		}
	}
	inner, err := c.place.Sub(work)
	if err != nil {
		return err
	}
	defer inner.Close()
	if err := to.MountOverlay(at, low, upper, inner, append([]string{"nodev"}, p.options...)); err != nil {
		return err
	}
	if !c.quiet(p.path, p.kind) {
		c.layers = append(c.layers, l)
	}
	return nil
}

// low opens what is below an overlay: for root a mount of its own, where nothing is mounted in it.
func (c *copier) low(p string, l *layer) (*sys.Tree, error) {
	if !c.Root {
		l.was = p
		return c.real.Sub(p)
	}
	g, err := c.real.Graft(p, false)
	if err != nil {
		return nil, err
	}
	c.count++
	l.was = path.Join(lowDir, fmt.Sprint(c.count))
	err = g.ReadOnly()
	if err == nil {
		err = c.place.Mkdir(l.was, sys.Mine(0o700))
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	if err := g.Attach(c.place, l.was); err != nil {
		return nil, err
	}
	return c.place.Sub(l.was)
}

// foreign is what a directory of others does not have in a copy that a user makes.
const foreign = review.Owner | review.ACL | review.Xattr

// dirLike makes a directory as the one at p is. A user cannot give it to another owner: it is theirs then, and may be written by
// them if they could have written there.
func (c *copier) dirLike(p string, to *sys.Tree, at string) error {
	s, err := c.real.Stat(p)
	if err != nil {
		return err
	}
	if c.Root || s.Uid == 0 && s.Gid == 0 { // the user of the namespace
		return to.MkdirLike(at, c.real, p)
	}
	mode := s.Perm()
	if c.faked[p] = foreign; !c.real.Writable(p) {
		mode &^= 0o222
		c.faked[p] |= review.Mode
	}
	return to.Mkdir(at, sys.Mine(mode))
}

// skeleton makes the directories of others that are below one: an overlay could not copy them, as it could not give them to their
// owners, and so nothing could be made in them. A file of others can be replaced then, but not written.
func (c *copier) skeleton(at string, low, upper *sys.Tree) error {
	all, err := entries(low)
	if err != nil {
		return err
	}
	top, err := low.Stat(".")
	if err != nil {
		return err
	}
	for _, e := range all {
		if !e.IsDir() || e.MountID != top.MountID || e.Uid == 0 && e.Gid == 0 || sys.IsTemp(e.Name) {
			continue
		}
		if err := c.bone(path.Join(at, e.Name), e, low, upper); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) bone(at string, e sys.Entry, low, upper *sys.Tree) error {
	from, err := low.Sub(e.Name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) { // nor can the command look into it
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	if err := upper.Mkdir(e.Name, sys.Mine(e.Perm())); err != nil {
		return err
	}
	c.faked[at] = foreign
	to, err := upper.Sub(e.Name)
	if err != nil {
		return err
	}
	defer to.Close()
	return c.skeleton(at, from, to)
}

// readOnly shows the real one, which cannot be written through the copy.
func (c *copier) readOnly(p point, why string) error {
	g, err := c.real.Graft(p.path, !c.Root)
	if err != nil {
		return err
	}
	if err := errors.Join(g.ReadOnly(), g.NoDevices()); err != nil {
		return errors.Join(err, g.Close())
	}
	if why != "" || p.locked {
		c.tell(p, ReadOnly, why)
	}
	return g.Attach(c.root, p.path)
}

// through shows what is real.
func (c *copier) through(p string) error {
	g, err := c.real.Graft(p, true)
	if err != nil {
		return err
	}
	return g.Attach(c.root, p)
}

// in finds what was written in one layer.
func (c *copier) in(l layer) ([]review.Change, error) {
	was, now, find := c.place, c.place, changes.Walk
	switch {
	case l.kind == pieces:
		was, now = c.real, c.root
	case l.kind == overlay && !c.Root:
		was, find = c.real, changes.Overlay
	case l.kind == overlay:
		find = changes.Overlay
	}
	a, err := was.Sub(l.was)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	b, err := now.Sub(l.now)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	found, err := find(a, b, changes.Look{Skip: func(p string) bool {
		p = path.Join(l.at, p)
		return p == c.Place || l.kind == pieces && c.untouched(p)
	}})
	if l.kind == single {
		found = slices.DeleteFunc(found, func(ch review.Change) bool { return ch.Path == "/" })
	}
	for i := range found {
		found[i].Path = path.Join(l.at, found[i].Path)
	}
	// Who owns what we could not give away is no change.
	return slices.DeleteFunc(found, func(ch review.Change) bool {
		ours, faked := c.faked[ch.Path]
		return ch.What == review.Modified && faked && ch.Differs&^ours == 0
	}), err
}
