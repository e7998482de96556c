package boot

import (
	"slices"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

const keptIn = "what is kept in " // begins what is said of owners

// checkIDs says which accounts a new base has given other numbers than those that kept data belongs to. Where the
// file of the accounts itself is kept and in place, a boot changes none: the session may have, and the late service looks.
// Whether anything is owned by such a number is not looked at here: that takes long.
func checkIDs(r *Record, t *sys.Tree, b *plan.Boot) {
	now, err := apply.AccountIDs(t)
	if err != nil {
		r.problem("to whom kept data belongs is not known: %v", err)
		return
	}
	inPlace := func(p string) bool {
		return slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.Path == p && e.State == Placed })
	}
	for _, s := range b.Stores {
		if slices.Contains(r.Absent, s.Path) {
			continue
		}
		was, err := apply.ReadIDs(t, s.Path)
		if err != nil {
			r.problem("to whom the data in %s belongs is not known: %v", s.Path, err)
			continue
		}
		for _, m := range was.Moved(now) {
			if !inPlace(m.File()) {
				sayMoved(r, s.Path, m)
			}
		}
		sayMoving(r, s.Path, was)
	}
}

func sayMoved(r *Record, store string, m decl.Moved) {
	r.problem(keptIn+"%s may belong to another account: %s: 'anicca plan' says what to do", store, m)
}

func sayMoving(r *Record, store string, ids *decl.IDs) {
	if ids != nil && ids.Moving != nil {
		r.problem(keptIn+"%s is on its way to other owners, which was interrupted: run 'anicca apply --ids give'", store)
	}
}

// learnIDs writes down the accounts of the running system for every store. Only what kept data is owned by is a problem then.
func learnIDs(r *Record, t *sys.Tree, b *plan.Boot) {
	r.Problems = without(r.Problems, keptIn)
	for _, s := range b.Stores {
		if slices.Contains(r.Absent, s.Path) {
			continue
		}
		was, err := apply.ReadIDs(t, s.Path)
		var moved []decl.Moved
		if err == nil {
			moved, err = apply.LearnIDs(t, s.Path)
		}
		if err != nil {
			r.problem(keptIn+"%s: its owners could not be written down: %v", s.Path, err)
		}
		for _, m := range moved {
			sayMoved(r, s.Path, m)
		}
		sayMoving(r, s.Path, was)
	}
}
