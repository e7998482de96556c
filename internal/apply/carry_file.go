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
	case bothStore, bothTook, storeWins:
		if err := f.keepBoth(c); err != nil {
			return err
		}
	case undecided:
		f.out.Told = append(f.out.Told, fmt.Sprintf("%s was changed on both sides, and you are to decide: this session goes on with its own. "+
			"To keep that: cp -a %s %s; to use the store's: cp -a %s %s", s.Path, s.Path, s.Source, s.Source, s.Path))
	case restore:
		f.out.Noted = append(f.out.Noted, fmt.Sprintf("%s was deleted in the last session, and is placed again, as onDelete says", s.Path))
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
	if f.choice == undecided {
		n.kept = "" // whatever lies there at the next boot is a change, and so is the store's
	} else if f.sides.storeSame && !f.choice.fromRoot() && !s.Enforce {
		n.as = f.placed
	}
	c.noted = append(c.noted, n)
	return nil
}

// place puts the kept copy in place. In a root that goes on, a power cut must not leave half of it: that would be a change.
func (f *carrying) place(c *Carrier) error {
	s := f.step
	t, at := f.used(c)
	if !f.here(c) || f.sides.root { // else nothing lay there a moment ago
		if there, err := sameThere(t, at, c.Root, s.Path); there && err == nil {
			return nil
		}
	}
	return above(
		func() error { return sys.Put(t, at, c.Root, s.Path, f.here(c) || c.Used) },
		func() error { return parents(c.Root, s, false) },
	)
}

// used returns where the version lies that is placed.
func (f *carrying) used(c *Carrier) (*sys.Tree, string) {
	if f.choice == undecided {
		return f.last.Tree, f.last.At
	}
	return c.Root, f.step.Source
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
	t, from := f.used(c)
	diff, err := sys.Compare(c.Root, s.Path, t, from, 1)
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
	why, whose, t, at := "%s was changed on both sides, and %s version was put aside as %s", "the session's", f.last.Tree, f.last.At
	switch f.choice {
	case bothStore:
		why, whose = "nobody knows which of two versions of %s is newer: the store's is used, and %s was put aside as %s", "the last session's"
	case bothTook:
		whose, t, at = "the store's", c.Root, s.Source
	}
	p, err := c.aside(s, t, at)
	if err != nil {
		return err
	}
	said := fmt.Sprintf(why+": compare the two, and remove that one", s.Path, whose, p)
	c.remember(said)
	f.out.Told = append(f.out.Told, said)
	return nil
}

// leave makes sure that nothing lies at the path: what the base has there was deleted.
func (f *carrying) leave(c *Carrier) error {
	there, err := carriable(c.Root, f.step.Path)
	if err == nil && there && f.here(c) {
		return nil // a program has just made it: it is the next carrying's
	}
	if err == nil && there {
		err = c.Root.Remove(f.step.Path)
	}
	if err == nil {
		c.noted = append(c.noted, noted{path: f.step.Path})
	}
	return err
}
