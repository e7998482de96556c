// Package screen is a review on a terminal: a list that one goes through with single keys, deciding what becomes of each thing.
//
// It touches no disk. What it shows of one it asks for, and what was decided is carried out by whoever called [Run], after the
// screen has gone, so that what happened stays on the terminal.
package screen

import (
	"context"

	"anicca/internal/decl"
	"anicca/internal/review"
)

// What becomes of something.
type What string

// What can be decided, in the order in which it is carried out.
const (
	Keep   What = "keep"
	Ignore What = "ignore"
	Undo   What = "undo"
)

// Decision is one thing to do.
type Decision struct {
	What    What
	Path    string   // to keep or to undo; empty where a preset keeps
	Use     decl.Use // the preset that keeps
	Pattern string   // to ignore
}

// Options are what a screen shows, and how it asks about what it does not know.
type Options struct {
	Review review.Review
	Now    int64    // seconds since 1970
	Homes  []string // of people: what ~ in a pattern stands for
	Colour bool     // colours are shown; nothing is told by them alone

	Entries func(decl.Use) []string                                         // the paths that a preset keeps
	Beware  func(decl.Use) string                                           // what to know before a preset is used; empty for nothing
	Diff    func(ctx context.Context, path string) (string, error)          // how a path differs from the base
	List    func(ctx context.Context, path string) ([]review.Change, error) // what lies in a directory that was added or deleted as a whole
	Check   func(ctx context.Context, all []Decision) error                 // why all of it cannot be done; nothing is done
}
