package apply

import (
	"errors"
	"fmt"
	"slices"

	"anicca/internal/sys"
)

// refresh asks again where the last session left the file: another may have been asked for meanwhile.
func (f *carrying) refresh(c *Carrier) (err error) {
	if c.Last == nil {
		f.last = Last{Tree: c.Root, At: f.step.Path, Root: c.ID}
		return nil
	}
	f.last, err = c.Last(f.step.Path, func(root string) (bool, error) { return c.Known(root, f.step.Path) })
	return err
}

// here reports whether the last session's file is the one in the root itself.
func (f *carrying) here(c *Carrier) bool { return f.last.Tree == c.Root }

// find finds out what there is to choose from, and chooses.
func (f *carrying) find(c *Carrier) error {
	s, x := f.step, &f.sides
	part, foreign, err := c.part(s.Path)
	if err != nil {
		return err
	}
	f.foreign = foreign
	if _, x.store, err = look(c.near, s.Source); err != nil {
		return err
	}
	if err := f.refresh(c); err != nil {
		return err
	}
	f.choice = x.choose()
	last := f.last
	if last.Tree == nil || foreign != "" {
		return nil
	}
	if !f.here(c) && last.Root != "" && last.Part != part {
		return fmt.Errorf("it lay in the volume %q of the last session, and lies in %q now: is a volume not mounted?", last.Part, part)
	}
	var there sys.Stat
	if f.here(c) {
		there, x.root, err = look(c.near, last.At)
	} else {
		there, x.root, err = look(last.Tree, last.At)
	}
	if err != nil && !f.here(c) { // the session has put something else there: it is no version of the file
		x.root, err = false, nil
		f.out.Said = append(f.out.Said, fmt.Sprintf("%s as the last session has left it cannot be carried: %v. The kept copy is used", s.Path, errCarry(last.Tree, last.At)))
		return nil
	}
	if err != nil {
		return err
	}
	if x.root && there.IsLink() {
		if target, err := last.Tree.Readlink(last.At); err == nil && target == s.Source { // it is the kept copy, and nobody's change
			x.root = false
			return nil
		}
	}
	if err := f.compare(c); err != nil {
		return err
	}
	f.choice = x.choose().by(s.OnConflict, s.OnDelete)
	return nil
}

func errCarry(t *sys.Tree, p string) error {
	_, err := carriable(t, p)
	return err
}

// compare fills in how the versions differ.
func (f *carrying) compare(c *Carrier) (err error) {
	s, x, last := f.step, &f.sides, f.last
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
		if sys.SameFiles(a, ap, b, bp) { // mostly
			return true
		}
		var diff []sys.Difference
		diff, err = sys.Compare(a, ap, b, bp, 20)
		return err == nil && !slices.ContainsFunc(diff, func(d sys.Difference) bool {
			return d.What != sys.TimeDiffers && !(s.Enforce && d.OfAccess()) // the latter is for the declaration to say
		})
	}
	x.equal = equal(last.Tree, last.At, c.Root, s.Source, x.root && x.store)
	x.rootSame = equal(last.Tree, last.At, c.Root, f.placed, x.root && f.placed != "")
	x.storeSame = x.equal && x.rootSame || equal(c.Root, s.Source, c.Root, f.placed, x.store && f.placed != "" && !x.equal)
	if err == nil && x.placed == unknown && x.root {
		x.root, err = f.worth()
	}
	return err
}

// worth reports whether a file that nobody has placed may hold something that the store has not: an empty one, where the store
// has one, is the place that a mount had.
func (f *carrying) worth() (bool, error) {
	s, err := f.last.Tree.Stat(f.last.At)
	switch {
	case err != nil:
		return false, err
	case !f.sides.store: // an empty file can mean something, such as ~/.hushlogin
		return true, nil
	case s.Size == 0 || f.last.Changed == nil:
		return s.Size > 0, nil
	}
	return f.last.Changed()
}

// mostCarried is how large a carried file may be, in bytes: every boot reads it several times, before anything else.
const mostCarried = 64 << 20

// carriable reports whether a file or a link lies at p. Anything else there cannot be carried.
func carriable(t *sys.Tree, p string) (bool, error) {
	_, there, err := look(t, p)
	return there, err
}

// look is [carriable], and says what it is.
func look(t interface {
	Stat(p string) (sys.Stat, error)
}, p string,
) (s sys.Stat, there bool, err error) {
	s, err = t.Stat(p)
	switch {
	case err != nil:
		return s, false, ignoreMissing(err)
	case !s.IsFile() && !s.IsLink():
		return s, false, errors.New("it is neither a file nor a link: keep it as a directory, or move it away")
	case s.IsFile() && s.Size > mostCarried:
		return s, false, errTooLarge
	}
	return s, true, nil
}
