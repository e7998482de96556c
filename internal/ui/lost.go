package ui

import (
	"fmt"
	"io"
	"slices"

	"anicca/internal/recall"
	"anicca/internal/review"
)

// Lost writes what an old root had, and the running root has not, as it is seen at a time, in seconds since 1970.
func Lost(w io.Writer, from string, l *recall.Lost, now int64) {
	fmt.Fprintf(w, "%s had these, and the running root has not (+ is missing, ~ takes the place of something):\n\n", from)
	rows := [][]string{{"WORTH", "SIZE", "AGE", "PATH", "FILES", "KEPT BY", "WRITTEN BY"}}
	var newer []recall.Action
	for _, i := range l.Items {
		rows = append(rows, []string{i.Worth.String(), Bytes(i.Size), age(now, i.Newest), visible(i.Title()), counts(i), preset(i), writer(i)})
		newer = append(newer, newerOf(l.Of(i))...)
	}
	Table(w, rows)
	fmt.Fprintln(w)
	if slices.ContainsFunc(l.Items, func(i review.Item) bool { return i.Worth == review.Software || !i.Apart() }) {
		fmt.Fprintln(w, halves)
	}
	if len(newer) > 0 {
		fmt.Fprintln(w, "something newer lies there already:")
		Actions(w, from, newer)
		fmt.Fprintln(w)
	}
}

// LostNoise says how much was left out.
func LostNoise(w io.Writer, l *recall.Lost) {
	if n := len(l.Noise); n > 0 {
		fmt.Fprintf(w, "not worth a word: %d more, which programs write again; --noise takes them in\n", n)
	}
}

// LostWorth begins what is of one worth.
func LostWorth(w io.Writer, worth review.Worth) {
	if worth == review.Software {
		fmt.Fprintf(w, "\n%s\n", halves)
		return
	}
	fmt.Fprintf(w, "\n%s\n", worth)
}

// halves is what can go wrong with software.
const halves = "software: bring all of a package back, with the package database, or nothing; better install it again, then 'anicca base new'"

// LostThing writes in a line what one question is about: losses of an item.
func LostThing(w io.Writer, i review.Item, losses []recall.Loss) {
	name := i.Path + "/"
	if !i.Apart() {
		name = i.Title()
	}
	s := fmt.Sprintf("  %s  %s, %s  %s", visible(name), Many(i.Added+i.Modified, "file"), Bytes(i.Size), counts(i))
	if len(losses) == 1 {
		s = change(losses[0].Change)
	}
	if i.Preset != "" {
		s += ", kept by " + preset(i)
	}
	switch n := len(newerOf(losses)); {
	case n == 1:
		s += "; something NEWER lies there"
	case n > 1:
		s += fmt.Sprintf("; %d NEWER ones lie there", n)
	}
	paint(w).line(s)
}

// LostAgain says what becomes of what came back.
func LostAgain(w io.Writer) {
	fmt.Fprintln(w, "the next reset drops it again, unless it is kept: anicca keep PATH")
}

// newerOf are what would put something newer aside.
func newerOf(losses []recall.Loss) []recall.Action {
	var out []recall.Action
	for _, l := range losses {
		for _, a := range l.Actions {
			if a.What == recall.Replace && newer(a) != "" {
				out = append(out, a)
			}
		}
	}
	return out
}
