package apply

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Owner is how much of a store belongs to the old number of an account.
type Owner struct {
	decl.Moved
	Store string
	Count int    // of files and directories
	Path  string // one of them
}

// Owners counts what belongs to the old numbers of accounts that have others now.
func Owners(root *sys.Tree, stores []string) ([]Owner, error) {
	now, err := AccountIDs(root)
	if err != nil {
		return nil, err
	}
	var out []Owner
	for _, store := range stores {
		was, err := ReadIDs(root, store)
		if err != nil {
			return nil, err
		}
		first := len(out)
		for _, m := range was.Moved(now) {
			out = append(out, Owner{Moved: m, Store: store})
		}
		if err := count(root, store, out[first:]); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(out, func(o Owner) bool { return o.Count == 0 }), nil
}

func count(root *sys.Tree, store string, owners []Owner) error {
	if len(owners) == 0 {
		return nil
	}
	t, err := root.Sub(store)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Walk(func(p string, s sys.Stat) error {
		for i, o := range owners {
			if !o.Owns(int(s.Uid), int(s.Gid)) {
				continue
			}
			if owners[i].Count++; o.Path == "" {
				owners[i].Path = path.Join(store, p)
			}
		}
		return nil
	})
}

// AcceptIDs writes down the accounts as they are, for a store whose data stays as it is.
func AcceptIDs(root *sys.Tree, store string) error {
	unlock, err := waitLock(root, store)
	if err != nil {
		return err
	}
	defer unlock()
	was, err := ReadIDs(root, store)
	if err != nil {
		return err
	}
	if was != nil && was.Moving != nil {
		return fmt.Errorf("%s: a change of owners was interrupted, and has to be ended first: run 'anicca apply --ids give'", store)
	}
	now, err := AccountIDs(root)
	if err != nil {
		return err
	}
	return writeIDs(root, store, was.Learn(now, nil))
}

// GiveIDs gives the data of a store to the numbers that the accounts have now, and with it the plain copies of its files in the root.
// Nothing is given on twice, whatever two accounts swap, and however often the power goes: saying it again ends what was begun.
// Returned is what was left, as it takes no writes.
func GiveIDs(root *sys.Tree, store string, b *plan.Boot) (left []string, err error) {
	unlock, err := waitLock(root, store)
	if err != nil {
		return nil, err
	}
	defer unlock()
	ids, err := ReadIDs(root, store)
	if err != nil || ids == nil {
		return nil, err
	}
	now, err := AccountIDs(root)
	if err != nil {
		return nil, err
	}
	g := giver{root: root, store: store}
	if b != nil {
		for _, s := range b.Entries {
			if s.Store == store && (s.Kind == plan.Carry || s.Kind == plan.Copy) {
				g.copies = append(g.copies, s.Path)
			}
		}
	}
	if ids.Moving == nil {
		if ids.Moving, err = g.begin(ids.Moved(now)); err != nil {
			return nil, err
		}
		if err := writeIDs(root, store, ids); err != nil {
			return nil, err
		}
	}
	if err := g.run(ids); err != nil {
		return g.left, err
	}
	// Who is gone has left its number to another. What has changed since this began is told again.
	done := &decl.IDs{Users: given(ids.Users, ids.Moving.Users), Groups: given(ids.Groups, ids.Moving.Groups)}
	open := slices.DeleteFunc(done.Moved(now), func(m decl.Moved) bool { return m.Is < 0 })
	return g.left, writeIDs(root, store, done.Learn(now, open))
}

// given are numbers by name after they were given on.
func given(was map[string]int, to map[int]int) map[string]int {
	out := map[string]int{}
	for name, id := range was {
		if n, ok := to[id]; ok {
			id = n
		}
		out[name] = id
	}
	return out
}

// Numbers that no system gives to accounts, see UIDS-GIDS of systemd: data is there for a moment.
const viaFirst, viaLast = 60706, 61183

type giver struct {
	root   *sys.Tree
	store  string
	copies []string
	left   []string
}

// begin decides what goes where, and notes what the kernel would take away from files.
func (g *giver) begin(moved []decl.Moved) (*decl.Moving, error) {
	m := &decl.Moving{Users: map[int]int{}, Groups: map[int]int{}}
	for _, x := range moved {
		to := m.Users
		if x.Group {
			to = m.Groups
		}
		if n, twice := to[x.Was]; twice && n != x.Is && x.Is >= 0 {
			return nil, fmt.Errorf("two names had the %s number %d, and have %d and %d now: nobody knows whose the data is", x.What(), x.Was, n, x.Is)
		}
		if x.Is >= 0 {
			to[x.Was] = x.Is
		}
	}
	overlap := func(to map[int]int) bool {
		for _, n := range to {
			if _, ok := to[n]; ok {
				return true
			}
		}
		return false
	}
	if overlap(m.Users) || overlap(m.Groups) {
		m.Via = viaFirst
		if max(len(m.Users), len(m.Groups)) > viaLast-viaFirst+1 {
			return nil, errors.New("too many accounts have other numbers")
		}
	}
	via := func(id int) bool { return id >= viaFirst && id <= viaLast }
	for _, x := range moved {
		if m.Via != 0 && via(x.Is) {
			return nil, fmt.Errorf("the %s %s has the number %d, one of those that data is given on by: give it another first", x.What(), x.Name, x.Is)
		}
	}
	err := g.each(func(t *sys.Tree, p, at string, s sys.Stat) error {
		if m.Via != 0 && (via(int(s.Uid)) || via(int(s.Gid))) {
			return fmt.Errorf("%s belongs to %d:%d, numbers that data is given on by: chown it first", at, s.Uid, s.Gid)
		}
		_, u := m.Users[int(s.Uid)]
		_, gr := m.Groups[int(s.Gid)]
		if s.Fixed && (u || gr) { // half of the data would have its new owner, and the rest would have none
			return fmt.Errorf("%s cannot be changed: run 'chattr -ia %s' first", at, at)
		}
		if !s.IsFile() || !u && !gr {
			return nil
		}
		caps, err := t.Capabilities(p)
		if caps != nil || s.Perm()&0o6000 != 0 {
			m.Special = append(m.Special, decl.Special{Path: at, Inode: s.Ino, Mode: s.Perm(), Caps: caps})
		}
		return err
	})
	return m, err
}

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
