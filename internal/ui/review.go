package ui

import (
	"fmt"
	"io"
	"strings"

	"anicca/internal/review"
)

// Review writes what the next reset would drop. With all, every change has its own line, with what differs. It is seen at the given time.
func Review(w io.Writer, r review.Review, all bool, now int64) {
	if len(r.Changes) == 0 {
		fmt.Fprintf(w, "nothing: the root is as base %d has it, but for what is kept\n", r.Base)
		return
	}
	fmt.Fprintf(w, "The next reset would drop %d changes to %d files, %s (compared with base %d):\n\n", len(r.Changes), r.Files, Bytes(r.Size), r.Base)
	var rows [][]string
	if all {
		for _, c := range r.Changes {
			rows = append(rows, []string{string(c.What), Bytes(c.Size), fmt.Sprint(c.Files), age(now, c.Modified), c.Path, c.Differs.String()})
		}
		Table(w, append([][]string{{"WHAT", "SIZE", "FILES", "AGE", "PATH", "DIFFERS IN"}}, rows...))
	} else {
		for _, g := range r.Groups {
			rows = append(rows, []string{string(g.Class), Bytes(g.Size), fmt.Sprint(g.Files), age(now, g.Newest), g.Path, counts(g)})
		}
		Table(w, append([][]string{{"CLASS", "SIZE", "FILES", "AGE", "PATH", "WHAT"}}, rows...))
		fmt.Fprintln(w, "\neach change:       anicca review --all")
	}
	if all {
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "keep something:    anicca keep PATH")
	fmt.Fprintln(w, "look at a path:    anicca explain PATH")
}

func counts(g review.Group) string {
	var out []string
	for _, c := range []struct {
		n    int
		word review.What
	}{{g.Added, review.Added}, {g.Modified, review.Modified}, {g.Deleted, review.Deleted}} {
		switch {
		case c.n == 0:
		case g.Added+g.Modified+g.Deleted == 1:
			out = append(out, string(c.word))
		default:
			out = append(out, fmt.Sprint(c.n, " ", c.word))
		}
	}
	return strings.Join(out, ", ")
}

// age writes how long ago something was, both in seconds since 1970.
func age(now, then int64) string {
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	switch d := now - then; {
	case d < 0:
		return "in future"
	case d < hour:
		return fmt.Sprintf("%dmin", d/minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/hour)
	case d < 1000*day:
		return fmt.Sprintf("%dd", d/day)
	default:
		return fmt.Sprintf("%dy", d/(365*day))
	}
}
