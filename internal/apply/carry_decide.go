package apply

import "anicca/internal/decl"

// What is known of how the last session found a carried file.
type placed int

const (
	unknown   placed = iota // nobody wrote it down
	gone                    // no file was there, on purpose
	placedOne               // a file was there, and a copy of it is in the store
)

// sides is what there is to choose from for one file.
type sides struct {
	root, store bool // the last session's root has one, the store has one
	placed      placed
	rootSame    bool // the root's is the one that was placed
	storeSame   bool // the store's is
	equal       bool // both are the same
}

// choice says which version of a file is kept.
type choice int

const (
	neither   choice = iota // there is none
	useStore                // the store's is the one
	takeRoot                // the session has changed it: the store gets it
	forget                  // the session has deleted it: the store does too
	bothTook                // both have changed: the root's is the one, and the store's is put aside
	storeWins               // both have changed, and the declaration prefers the store's: the root's is put aside
	undecided               // both have changed, and the user is to decide: each side keeps its own
	restore                 // the session has deleted it, and the declaration wants it back
	bothStore               // nobody knows which is newer: the store's is the one, and the root's is put aside
)

// choose judges by content against what was placed at the last boot, never by times: clocks go wrong, and copies get new ones.
func (s sides) choose() choice {
	switch {
	case !s.root && !s.store:
		return neither
	case s.root && s.store && s.equal:
		return useStore
	case !s.store: // also if the store has lost it
		return takeRoot
	case s.placed == unknown && s.root:
		return bothStore
	case s.placed == unknown:
		return useStore
	case !s.root && s.placed == placedOne && s.storeSame:
		return forget
	case !s.root: // the store got a new one: that weighs more than a deletion
		return useStore
	case s.placed == placedOne && s.rootSame:
		return useStore
	case s.placed == placedOne && s.storeSame:
		return takeRoot
	}
	return bothTook
}

// by turns a choice into the one that the declaration prefers.
func (c choice) by(onConflict, onDelete string) choice {
	switch {
	case c == bothTook && onConflict == decl.StoreWins:
		return storeWins
	case c == bothTook && onConflict == decl.Ask:
		return undecided
	case c == forget && onDelete == decl.Restore:
		return restore
	}
	return c
}

// fromRoot reports whether the store gets the root's version.
func (c choice) fromRoot() bool { return c == takeRoot || c == forget || c == bothTook }
