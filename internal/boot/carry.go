package boot

import (
	"slices"
	"time"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// carry carries the files of a boot plan over from the last session, and returns how each came out.
func carry(r *Record, rootTree *sys.Tree, old *earlier, entries []plan.Step) map[string]apply.Carried {
	var mine []plan.Step
	for _, s := range entries {
		if s.Kind == plan.Carry && !slices.Contains(r.Absent, s.Store) {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 && r.CarryID() != apply.InMemory {
		return nil
	}
	c := &apply.Carrier{
		Root: rootTree, Store: r.StorePath, ID: r.CarryID(), Now: time.Now(), Parts: old.parts, Last: old.find(rootTree), Used: old.used, Rest: old.rest,
	}
	if old.blind {
		c.ID = "" // else what the last session has left would be thought to have been carried
	}
	if err := old.unwritten(c, mine); err != nil {
		r.problem("sessions that could not write down what was placed in them cannot be looked at: %v", err)
	}
	out := map[string]apply.Carried{}
	var told []string
	for i, x := range c.Carry(mine) {
		out[mine[i].Path] = x
		told = append(append(told, x.Said...), x.Told...)
	}
	for _, s := range c.Untold() {
		if s != "" && !slices.Contains(r.Problems, s) && !slices.Contains(told, s) {
			r.problem("%s", s)
			r.mild++
		}
	}
	failed, err := c.Commit()
	if err != nil {
		r.problem("what was placed could not be written down, so what this session changes will be put aside, and not carried over: %v", err)
	}
	for _, s := range mine {
		if err := failed[s.Path]; err != nil {
			r.problem("that %s was placed could not be written down, so what this session changes in it will be put aside, and not carried over: %v", s.Path, err)
			if s.Home != nil {
				r.mild++
			}
		}
	}
	return out
}

// CarryID is the name by which it is remembered what was placed in the root; it is empty where it is not known which root that is.
func (r *Record) CarryID() string {
	switch {
	case r.OnBase:
		return ""
	case r.RAM && r.Made != nil:
		return apply.InMemory
	}
	return r.Root
}

// carried notes how a carried file came out.
func (e *Entry) carried(r *Record, c apply.Carried) {
	for _, s := range c.Said {
		r.problem("%s", s)
	}
	for _, s := range c.Told {
		r.problem("%s", s)
		r.mild++
	}
	for _, s := range c.Noted {
		r.note("%s", s)
	}
	e.Adopted = c.Took
	switch {
	case c.Err != nil:
		e.State, e.Error = Missed, c.Err.Error()
		r.problem("%s is not kept in this session: %v", e.Path, c.Err)
	case c.Waiting:
		e.State = Waiting
	default:
		e.State, e.Error = Placed, ""
	}
}

// lookBefore is [before] for a system that runs: the disk is mounted for it, to be read. Let go of it.
func lookBefore(r *Record, store *sys.Tree) (*earlier, func()) {
	none := &earlier{blind: true, used: true}
	top, done, err := root.LookTop(r.Device, r.FSType)
	if err != nil {
		r.problem("the old roots cannot be read, so nothing is carried over from them: %v", err)
		return none, func() {}
	}
	d, err := root.Open(top)
	if err == nil {
		var last root.Booted
		if last, err = readBooted(store); err == nil {
			e := before(d, r, last)
			e.used = true
			return e, func() {
				e.close()
				d.Close()
				_ = done()
			}
		}
		d.Close()
	}
	_ = done()
	r.problem("the old roots cannot be read, so nothing is carried over from them: %v", err)
	return none, func() {}
}
