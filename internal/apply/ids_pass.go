package apply

import (
	"errors"
	"maps"
	"path"
	"slices"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// each tells everything that is given on: the store, and what was copied from it.
func (g *giver) each(f func(t *sys.Tree, p, at string, s sys.Stat) error) error {
	t, err := g.root.Sub(g.store)
	if err != nil {
		return err
	}
	defer t.Close()
	top, err := g.root.Stat(g.store)
	if err == nil {
		err = f(g.root, g.store, g.store, top)
	}
	if err == nil {
		err = t.Walk(func(p string, s sys.Stat) error { return f(t, p, path.Join(g.store, p), s) })
	}
	for _, p := range g.copies {
		if err != nil {
			return err
		}
		s, serr := g.root.Stat(p)
		if serr == nil {
			err = f(g.root, p, p, s)
		} else if ignoreMissing(serr) != nil && !sys.IsLoop(serr) && !sys.IsNotDir(serr) {
			err = serr
		}
	}
	return err
}

// run gives everything on, in one go, or in two by numbers that nobody has. Each of them can be repeated from its beginning.
func (g *giver) run(ids *decl.IDs) error {
	m := ids.Moving
	if m.Via != 0 {
		if !m.Second {
			if err := g.pass(m, first(m.Users, m.Via), first(m.Groups, m.Via)); err != nil {
				return err
			}
			m.Second = true
			if err := writeIDs(g.root, g.store, ids); err != nil {
				return err
			}
		}
		return g.pass(m, second(m.Users, m.Via), second(m.Groups, m.Via))
	}
	return g.pass(m, m.Users, m.Groups)
}

func first(to map[int]int, via int) map[int]int {
	out := map[int]int{}
	for i, old := range slices.Sorted(maps.Keys(to)) {
		out[old] = via + i
	}
	return out
}

func second(to map[int]int, via int) map[int]int {
	out := map[int]int{}
	for i, old := range slices.Sorted(maps.Keys(to)) {
		out[via+i] = to[old]
	}
	return out
}

func (g *giver) pass(m *decl.Moving, users, groups map[int]int) error {
	next := func(to map[int]int) func(int) int {
		return func(id int) int {
			if n, ok := to[id]; ok {
				return n
			}
			return id
		}
	}
	var errs []error
	err := g.each(func(t *sys.Tree, p, at string, _ sys.Stat) error {
		_, err := t.Reown(p, next(users), next(groups))
		switch {
		case err == nil || ignoreMissing(err) == nil:
		case sys.IsReadOnly(err): // such as a snapshot in a home
			g.left = append(g.left, at)
		case len(errs) < 20:
			errs = append(errs, err)
		}
		return nil
	})
	if err = errors.Join(append(errs, err)...); err != nil {
		return err
	}
	for _, s := range m.Special {
		if err := g.root.Restore(s.Path, s.Inode, s.Mode, s.Caps); err != nil && !sys.IsReadOnly(err) {
			return err
		}
	}
	for _, p := range []string{g.store, "/"} {
		if err := syncAt(g.root, p); err != nil {
			return err
		}
	}
	return nil
}

// syncAt waits until the filesystem of a directory is on the disk.
func syncAt(root *sys.Tree, dir string) error {
	t, err := root.Sub(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Sync()
}
