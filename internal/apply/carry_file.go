package apply

import (
	"fmt"
	"slices"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// carrying is one file on its way.
type carrying struct {
	step   plan.Step
	last   Last
	sides  sides
	choice choice
	placed string // the copy of what was placed, "" if there is none
	out    Carried
}

// look finds out what there is to choose from.
func (f *carrying) look(c *Carrier) { f.out.Err = f.find(c) }

// refresh asks again where the last session left the file: another may have been asked for meanwhile.
func (f *carrying) refresh(c *Carrier) (err error) {
	f.last, err = c.last(f.step.Path, func(root string) (bool, error) {
		k, err := c.known(root, f.step.Path)
		return k != unknown, err
	})
	return err
}

func (f *carrying) find(c *Carrier) error {
	s := f.step
	err := f.refresh(c)
	if err != nil {
		return err
	}
	x, last := &f.sides, f.last
	if x.store, err = carriable(c.root, s.Source); err != nil {
		return err
	}
	if last.Tree == nil {
		f.choice = x.choose()
		return nil
	}
	if x.root, err = carriable(last.Tree, last.At); err != nil {
		return err
	}
	if x.placed, err = c.known(last.Root, s.Path); err != nil {
		return err
	}
	if x.placed == placedOne {
		f.placed = c.file(last.Root, s.Path)
	}
	equal := func(a *sys.Tree, ap string, b *sys.Tree, bp string, both bool) bool {
		if err != nil || !both {
			return false
		}
		var diff []sys.Difference
		diff, err = sys.Compare(a, ap, b, bp, 20)
		return err == nil && !slices.ContainsFunc(diff, func(d sys.Difference) bool {
			return d.What != sys.TimeDiffers && !(s.Enforce && d.OfAccess()) // the latter is for the declaration to say
		})
	}
	x.equal = equal(last.Tree, last.At, c.root, s.Source, x.root && x.store)
	x.rootSame = equal(last.Tree, last.At, c.root, f.placed, x.root && f.placed != "")
	x.storeSame = equal(c.root, s.Source, c.root, f.placed, x.store && f.placed != "")
	if err != nil {
		return err
	}
	if x.placed == unknown && x.root {
		if x.root, err = f.worth(); err != nil {
			return err
		}
	}
	f.choice = x.choose()
	return nil
}

// worth reports whether a file that nobody has placed may hold something that the store has not: an empty one, where the store
// has one, is the place that a mount had, and a link of ours leads to the store.
func (f *carrying) worth() (bool, error) {
	s, err := f.last.Tree.Stat(f.last.At)
	if err != nil {
		return false, err
	}
	if s.IsLink() {
		target, err := f.last.Tree.Readlink(f.last.At)
		return target != f.step.Source, err
	}
	switch {
	case !f.sides.store: // an empty file can mean something, such as ~/.hushlogin
		return true, nil
	case s.Size == 0 || f.last.Changed == nil:
		return s.Size > 0, nil
	}
	return f.last.Changed()
}

// carriable reports whether a file or a link lies at p. Anything else there cannot be carried.
func carriable(t *sys.Tree, p string) (bool, error) {
	s, err := t.Stat(p)
	if err != nil {
		return false, ignoreMissing(err)
	}
	if !s.IsFile() && !s.IsLink() {
		return false, fmt.Errorf("%s is neither a file nor a link: only those are carried; keep it as a directory, or move it away", t.Path(p))
	}
	return true, nil
}

// carry does what was chosen.
func (f *carrying) carry(c *Carrier) error {
	s := f.step
	switch f.choice {
	case neither:
		f.out.Waiting = true
		if f.sides.placed == gone {
			return f.leave(c)
		}
		return nil
	case forget:
		at, err := c.aside(s, c.root, s.Source)
		if err != nil {
			return err
		}
		f.out.Waiting = true
		f.out.Noted = append(f.out.Noted, fmt.Sprintf("%s was deleted in the last session, and is not kept any more; its last version is %s", s.Path, at))
		if err := c.root.Remove(s.Source); err != nil {
			return err
		}
		return f.leave(c)
	case bothStore, bothTook:
		if err := f.keepBoth(c); err != nil {
			return err
		}
	}
	if f.choice.fromRoot() {
		if err := f.take(c); err != nil {
			return err
		}
	}
	if err := Place(c.root, s); err != nil {
		return err
	}
	if s.Enforce {
		if err := Enforce(c.root, s); err != nil { // it is kept all the same
			f.out.Said = append(f.out.Said, err.Error())
		}
	}
	n := noted{path: s.Path, kept: s.Source}
	if f.sides.storeSame && !f.choice.fromRoot() && !s.Enforce {
		n.as = f.placed
	}
	c.noted = append(c.noted, n)
	return nil
}

// take gives the store the version of the last session.
func (f *carrying) take(c *Carrier) error {
	s := f.step
	if f.sides.store {
		if was, err := f.last.Tree.Stat(f.last.At); err == nil && was.IsFile() && was.Size == 0 { // as power cuts leave files
			at, err := c.aside(s, c.root, s.Source)
			if err != nil {
				return err
			}
			f.out.Noted = append(f.out.Noted, fmt.Sprintf("%s was emptied in the last session; the version before is %s", s.Path, at))
		}
	}
	if err := parents(c.root, s, true); err != nil {
		return err
	}
	f.out.Took = true
	return sys.Put(f.last.Tree, f.last.At, c.root, s.Source)
}

// keepBoth puts the version that loses aside.
func (f *carrying) keepBoth(c *Carrier) error {
	s, from, at, who := f.step, c.root, f.step.Source, "the store's"
	if f.choice == bothStore {
		from, at, who = f.last.Tree, f.last.At, "the last session's"
	}
	aside, err := c.aside(s, from, at)
	if err != nil {
		return err
	}
	f.out.Said = append(f.out.Said, fmt.Sprintf("%s was changed on both sides, and %s version was put aside as %s: compare the two, and remove that one",
		s.Path, who, aside))
	return nil
}

// leave makes sure that nothing lies at the path: what the base has there was deleted.
func (f *carrying) leave(c *Carrier) error {
	if there, err := carriable(c.root, f.step.Path); err != nil || !there {
		if err == nil {
			c.noted = append(c.noted, noted{path: f.step.Path})
		}
		return err
	}
	if err := c.root.Remove(f.step.Path); err != nil {
		return err
	}
	c.noted = append(c.noted, noted{path: f.step.Path})
	return nil
}
