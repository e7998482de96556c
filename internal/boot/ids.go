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
	eachIDs(r, t, b, err, func(_ string, was *decl.IDs) (moved []decl.Moved, err error) {
		for _, m := range was.Moved(now) {
			if !placed(r, m.File()) {
				moved = append(moved, m)
			}
		}
		return moved, nil
	})
}

func placed(r *Record, p string) bool {
	for _, e := range r.Entries {
		if e.Path == p {
			return e.State == Placed
		}
	}
	return false
}

// learnIDs writes down the accounts of the running system for every store. Only what kept data is owned by is a problem then.
func learnIDs(r *Record, t *sys.Tree, b *plan.Boot) {
	r.Problems = without(r.Problems, keptIn)
	eachIDs(r, t, b, nil, func(store string, _ *decl.IDs) ([]decl.Moved, error) { return apply.LearnIDs(t, store) })
}

// eachIDs says what f finds to be wrong with the owners of each store.
func eachIDs(r *Record, t *sys.Tree, b *plan.Boot, unread error, f func(store string, was *decl.IDs) ([]decl.Moved, error)) {
	for _, s := range b.Stores {
		if slices.Contains(r.Absent, s.Path) {
			continue
		}
		var was *decl.IDs
		var moved []decl.Moved
		err := unread
		if err == nil {
			was, err = apply.ReadIDs(t, s.Path)
		}
		if err == nil {
			moved, err = f(s.Path, was)
		}
		if err != nil {
			r.problem(keptIn+"%s may belong to other accounts, which could not be looked at: %v", s.Path, err)
		}
		for _, m := range moved {
			r.problem(keptIn+"%s may belong to another account: %s: 'anicca plan' says what to do", s.Path, m)
		}
		if was != nil && was.Moving != nil {
			r.problem(keptIn+"%s is on its way to other owners, which was interrupted: run 'anicca apply --ids give'", s.Path)
		}
	}
}
