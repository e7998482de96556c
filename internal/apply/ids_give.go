package apply

import (
	"errors"
	"fmt"
	"slices"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

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
