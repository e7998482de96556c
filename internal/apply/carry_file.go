package apply

import (
	"errors"
	"fmt"
	"path"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// carrying is one file on its way.
type carrying struct {
	step    plan.Step
	last    Last
	sides   sides
	choice  choice
	placed  string // the copy of what was placed, "" if there is none
	foreign string // another filesystem that it lies on, which no boot resets
	out     Carried
}

// carry does what was chosen.
func (f *carrying) carry(c *Carrier) error {
	s := f.step
	if c.early {
		return f.save(c)
	}
	if f.foreign != "" {
		return f.stay(c)
	}
	switch f.choice {
	case neither:
		f.out.Waiting = true
		if f.sides.placed != unknown {
			return f.leave(c)
		}
		return nil
	case forget:
		at, err := c.aside(s, c.Root, s.Source)
		if err != nil {
			return err
		}
		f.out.Waiting = true
		f.out.Noted = append(f.out.Noted, fmt.Sprintf("%s was deleted in the last session, and is not kept any more; its last version is %s", s.Path, at))
		if err := c.Root.Remove(s.Source); err != nil {
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
			return f.without(c, err)
		}
	}
	if c.Used && !f.here(c) {
		if err := f.saveUsed(c); err != nil {
			return err
		}
	}
	if err := f.place(c); err != nil {
		return err
	}
	if s.Enforce {
		if err := Enforce(c.Root, s); err != nil { // it is kept all the same
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

// place puts the kept copy in place. In a root that goes on, a power cut must not leave half of it: that would be a change.
func (f *carrying) place(c *Carrier) error {
	s := f.step
	if diff, err := sys.Compare(c.Root, s.Source, c.Root, s.Path, 1); err == nil && same(diff) {
		return nil
	}
	if err := parents(c.Root, s, false); err != nil {
		return err
	}
	return sys.Put(c.Root, s.Source, c.Root, s.Path, f.here(c) || c.Used)
}

// stay leaves what lies on another filesystem as it is, and gives it its kept copy if nothing does.
func (f *carrying) stay(c *Carrier) error {
	f.out.Noted = append(f.out.Noted, fmt.Sprintf("%s lies on the filesystem of %s, which no boot resets: it is left there as it is", f.step.Path, f.foreign))
	there, err := c.Root.Exists(f.step.Path)
	if err != nil || there || !f.sides.store {
		return err
	}
	return f.place(c)
}

// without lets the session go on with what the last one has left, although the store could not take that.
func (f *carrying) without(c *Carrier, why error) error {
	if f.here(c) {
		return why
	}
	err := parents(c.Root, f.step, false)
	if err == nil {
		err = sys.Put(f.last.Tree, f.last.At, c.Root, f.step.Path, false)
	}
	if err != nil {
		return errors.Join(why, err)
	}
	f.out.Said = append(f.out.Said, fmt.Sprintf("the store could not take %s (%v): it is as the last session has left it, and what this one changes in it is not kept", f.step.Path, why))
	return nil
}

// saveUsed puts aside what programs have written already where the file has yet to be placed.
func (f *carrying) saveUsed(c *Carrier) error {
	s := f.step
	there, err := carriable(c.Root, s.Path)
	if err != nil || !there {
		return err
	}
	diff, err := sys.Compare(c.Root, s.Path, c.Root, s.Source, 1)
	if err != nil || same(diff) {
		return err
	}
	at, err := c.aside(s, c.Root, s.Path)
	if err == nil {
		f.out.Noted = append(f.out.Noted, fmt.Sprintf("%s came late; what this session had there before is %s", s.Path, at))
	}
	return err
}

// take gives the store the version of the last session.
func (f *carrying) take(c *Carrier) error {
	s := f.step
	if f.sides.store {
		if was, err := f.last.Tree.Stat(f.last.At); err == nil && was.IsFile() && was.Size == 0 { // as power cuts leave files
			at, err := c.aside(s, c.Root, s.Source)
			if err != nil {
				return err
			}
			f.out.Noted = append(f.out.Noted, fmt.Sprintf("%s was emptied in the last session; the version before is %s", s.Path, at))
		}
	}
	if err := f.parentsAsLeft(c); err != nil {
		return err
	}
	f.out.Took = true
	return sys.Put(f.last.Tree, f.last.At, c.Root, s.Source, true)
}

// parentsAsLeft makes the missing directories above the kept copy as the last session had them: it may have made them private.
func (f *carrying) parentsAsLeft(c *Carrier) error {
	s := f.step
	cut := len(s.Path) - len(f.last.At) // the file may lie in a volume
	err := c.Root.MakeAll(path.Dir(s.Source), func(p string) error {
		where := path.Clean("/" + p[len(s.Store):])
		if len(where) > cut {
			if d, err := f.last.Tree.Stat(where[cut:]); err == nil && d.IsDir() {
				return c.Root.MkdirLike(p, f.last.Tree, where[cut:])
			}
		}
		one := plan.Step{Path: path.Join(where, "x"), Store: s.Store, Source: path.Join(p, "x"), Home: s.Home}
		if where == path.Dir(s.Path) {
			one.Parent = s.Parent
		}
		return parents(c.Root, one, true)
	})
	return err
}

// keepBoth puts the version that loses aside.
func (f *carrying) keepBoth(c *Carrier) error {
	s := f.step
	if f.choice == bothStore {
		at, err := c.aside(s, f.last.Tree, f.last.At)
		if err == nil {
			f.out.Said = append(f.out.Said, fmt.Sprintf("nobody knows which of two versions of %s is newer: the store's is used, and the last session's was put aside as %s: "+
				"compare the two, and remove that one", s.Path, at))
		}
		return err
	}
	at, err := c.aside(s, c.Root, s.Source)
	if err == nil {
		f.out.Said = append(f.out.Said, fmt.Sprintf("%s was changed on both sides, and the store's version was put aside as %s: compare the two, and remove that one", s.Path, at))
	}
	return err
}

// leave makes sure that nothing lies at the path: what the base has there was deleted.
func (f *carrying) leave(c *Carrier) error {
	there, err := carriable(c.Root, f.step.Path)
	if err == nil && there {
		err = c.Root.Remove(f.step.Path)
	}
	if err == nil {
		c.noted = append(c.noted, noted{path: f.step.Path})
	}
	return err
}
