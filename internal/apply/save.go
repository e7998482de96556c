package apply

import (
	"errors"
	"fmt"
	"time"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Save gives the store what this session has changed in its carried files, as the next boot would. Nothing is put in place or
// removed: what was deleted, and what is damaged, is left for the next boot to judge. It returns how each file came out.
//
// ID is the identity of the running root: nothing is saved where that is not known, as the next boot could not tell then
// who has changed a file. Again says that this session has saved account files before: the set that is kept is that of before it.
// The caller holds the lock of the stores.
func Save(root *sys.Tree, b *plan.Boot, id string, again bool, steps []plan.Step) (map[string]Carried, error) {
	if id == "" || len(steps) == 0 {
		return nil, nil
	}
	c := &Carrier{Root: root, Store: b.Stores[0].Path, ID: id, Now: time.Now(), early: true, again: again}
	for _, v := range b.Volumes {
		c.Parts = append(c.Parts, v.Path)
	}
	return c.all(steps)
}

// IsAccount reports whether a carried file is one of the account databases, which are saved as one set.
func IsAccount(p string) bool { return isAccount(p) }

// Aside puts what lies at the path at aside, as a version of an entry, in the main store, and returns where. The kept copy itself
// stays the same object there, so that programs that have it open go on writing to it.
func Aside(root *sys.Tree, store string, s plan.Step, at string) (string, error) {
	c := &Carrier{Root: root, Store: store, Now: time.Now()}
	p, err := c.asideName(s)
	if err == nil && root.Link(at, p) != nil { // it is on another filesystem
		err = sys.Put(root, at, root, p, true)
	}
	return p, err
}

// all carries, and remembers what was placed.
func (c *Carrier) all(steps []plan.Step) (map[string]Carried, error) {
	out := map[string]Carried{}
	for i, r := range c.Carry(steps) {
		out[steps[i].Path] = r
	}
	failed, err := c.Commit()
	for p, err := range failed {
		r := out[p]
		r.Err = errors.Join(r.Err, err)
		out[p] = r
	}
	return out, err
}

// save gives the store the session's version, if it is the session that has changed it.
func (f *carrying) save(c *Carrier) error {
	if f.foreign != "" || f.choice != takeRoot && f.choice != bothTook {
		return nil
	}
	if f.choice == bothTook {
		if err := f.keepBoth(c); err != nil {
			return err
		}
	}
	if err := f.take(c); err != nil {
		return err
	}
	c.noted = append(c.noted, noted{path: f.step.Path, kept: f.step.Source})
	return nil
}

// notYet leaves a set of account databases alone that may be half written.
func notYet(set []*carrying, why string) {
	for _, f := range set {
		if f.choice.fromRoot() && f.out.Err == nil {
			f.choice = neither
			f.out.Err = fmt.Errorf("the account files are not saved yet: %s", why)
		}
	}
}
