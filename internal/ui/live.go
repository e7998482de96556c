package ui

import (
	"fmt"
	"io"

	"anicca/internal/live"
)

// Change writes what shall be done to a running machine.
func Change(w io.Writer, c *live.Change) {
	for _, e := range c.Edited {
		Edit(w, e.Path, string(e.Old), string(e.New))
	}
	for _, t := range c.Taken {
		switch {
		case t.Waits != "":
			waits(w, t)
		case t.InPlace:
			fmt.Fprintf(w, "take away: %s gets a copy of %s in its place\n", t.Path, t.Source())
		}
		switch {
		case t.Waits == "" && t.Fate == live.Archive:
			fmt.Fprintf(w, "archive: %s\n", t.Source())
		case t.Waits == "" && t.Fate == live.Delete:
			fmt.Fprintf(w, "DELETE for good: %s\n", t.Source())
		}
	}
	if len(c.Taken)+len(c.Edited) == 0 || len(c.Plan.Conflicts) > 0 || len(c.Plan.Steps) > 0 || len(c.Plan.Notes) > 0 {
		Plan(w, c.Plan)
	}
}

// Taken writes what became of entries that were taken away.
func Taken(w io.Writer, c *live.Change) {
	for _, t := range c.Taken {
		switch {
		case t.Waits != "":
			waits(w, t)
		case !t.Done:
			fmt.Fprintf(w, "FAILED %s\n", t.Path)
		case t.None:
			fmt.Fprintf(w, "done   forget %s; the store has no copy of it\n", t.Path)
		case t.Moved != "":
			fmt.Fprintf(w, "done   forget %s; its kept copy is %s now\n", t.Path, t.Moved)
		case t.Fate == live.Delete:
			fmt.Fprintf(w, "done   forget %s; its kept copy is deleted\n", t.Path)
		default:
			fmt.Fprintf(w, "done   forget %s; its kept copy stays in the store, as %s\n", t.Path, t.Source())
		}
	}
}

// waits says why an entry stays in place until the next boot, and what can be done about that.
func waits(w io.Writer, t *live.Taking) {
	fmt.Fprintf(w, "waits for the next boot: %s: %s\n", t.Path, t.Waits)
	for _, h := range t.Holders {
		fmt.Fprintf(w, "\t%s\n", h)
	}
	fmt.Fprintf(w, "\tuntil then it stays in place, and its kept copy is %s\n", t.Source())
	if t.Fate != live.Leave {
		fmt.Fprintf(w, "\tthen: anicca forget --%s %s\n", t.Fate, t.Path)
	}
}
