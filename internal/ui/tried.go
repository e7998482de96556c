package ui

import (
	"fmt"
	"io"
	"strings"

	"anicca/internal/review"
	"anicca/internal/trial"
)

// Tried is what a command has done in a copy of the root.
type Tried struct {
	Command []string      `json:"command"`
	Code    int           `json:"code"` // its exit code
	Trees   []trial.Tree  `json:"trees"`
	Full    bool          `json:"full"` // there was no room for more
	Review  review.Review `json:"review"`
}

// Write writes it for people: grouped as a review is, or with a line for every change.
func (t Tried) Write(w io.Writer, all bool) {
	changes := t.Review.Changes()
	for _, h := range t.Review.Noise {
		if all {
			changes = append(changes, h.Change)
		}
	}
	review.Sort(changes)
	name := printable(strings.Join(t.Command, " "))
	if r := []rune(name); len(r) > 60 {
		name = string(r[:59]) + "…"
	}
	hidden := len(t.Review.Noise)
	switch {
	case len(changes) == 0 && hidden > 0:
		fmt.Fprintf(w, "%s would have changed nothing that is worth a word\n", name)
	case len(changes) == 0:
		fmt.Fprintf(w, "%s would have changed nothing\n", name)
	default:
		size := int64(0)
		for _, c := range changes {
			if c.What != review.Deleted {
				size += c.Size
			}
		}
		fmt.Fprintf(w, "%s would have made %s, %s in size (now thrown away):\n\n", name, Many(len(changes), "change"), Bytes(size))
		Table(w, t.rows(changes, all))
	}
	if hidden > 0 && !all {
		fmt.Fprintf(w, "not worth a word:  %s more; --all shows them\n", Many(hidden, "change"))
	}
	t.where(w)
}

func (t Tried) rows(changes []review.Change, all bool) [][]string {
	if all {
		rows := [][]string{{"WHAT", "SIZE", "FILES", "PATH", "DIFFERS IN"}}
		for _, c := range changes {
			rows = append(rows, []string{string(c.What), Bytes(c.Size), fmt.Sprint(c.Files), visible(c.Path), c.Differs.String()})
		}
		return rows
	}
	rows := [][]string{{"WORTH", "SIZE", "PATH", "FILES", "KEPT BY"}}
	for _, i := range t.Review.Items {
		rows = append(rows, []string{i.Worth.String(), Bytes(i.Size), visible(i.Path), counts(i), preset(i)})
	}
	return rows
}

// where says what was copied, and what was not.
func (t Tried) where(w io.Writer) {
	var copied []string
	for _, tree := range t.Trees {
		if tree.How == trial.Copied {
			copied = append(copied, tree.Path)
		}
	}
	fmt.Fprintf(w, "copied:  %s\n", strings.Join(copied, " "))
	for _, tree := range t.Trees {
		if tree.How != trial.Copied {
			fmt.Fprintf(w, "%s:  %s%s\n", tree.How, tree.Path, because(tree.Why))
		}
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}
