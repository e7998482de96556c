package ui

import (
	"fmt"
	"io"
	"slices"

	"anicca/internal/plan"
)

// Plan writes a plan for people.
func Plan(w io.Writer, p *plan.Plan) {
	var rows [][]string
	for _, s := range p.Steps {
		rows = append(rows, []string{" ", string(s.Kind), words(s), s.Why.String()})
	}
	if len(rows) > 0 {
		fmt.Fprintln(w, "to do:")
		Table(w, rows)
	}
	for _, n := range slices.Concat(p.Notes, p.Drift) {
		fmt.Fprintf(w, "note: %s: %s (%s)\n", n.Path, n.Msg, n.Why)
	}
	for _, n := range p.Pending {
		fmt.Fprintf(w, "note: %s %s\n", n.Path, n.Msg)
	}
	for _, c := range p.Conflicts {
		fmt.Fprintf(w, "left alone: %s: %s (%s)\n\t%s\n", c.Path, c.Msg, c.Why, c.Hint)
	}
	if len(p.Steps) == 0 {
		fmt.Fprintln(w, "nothing to do")
	}
}

// words says what a step does.
func words(s plan.Step) string {
	switch s.Kind {
	case plan.Adopt:
		return fmt.Sprintf("%s into the store, as %s", s.Path, s.Source)
	case plan.Create:
		return fmt.Sprintf("empty directory %s", s.Source)
	case plan.Bind:
		if s.Under != "" {
			return fmt.Sprintf("%s over %s, in boots after %s is mounted", s.Source, s.Path, s.Under)
		}
		return fmt.Sprintf("%s over %s", s.Source, s.Path)
	case plan.Symlink:
		return fmt.Sprintf("%s to %s", s.Path, s.Source)
	case plan.Carry:
		return fmt.Sprintf("%s over to every session, kept as %s", s.Path, s.Source)
	case plan.Copy:
		return fmt.Sprintf("%s from %s", s.Path, s.Source)
	case plan.Give:
		return fmt.Sprintf("%s to %s, which has %s", plan.Words(s.Perm), s.Path, plan.Words(*s.Had))
	case plan.Record:
		return fmt.Sprintf("the boot plan in %s: reset %q, %s", s.Path, s.Boot.Reset, Many(len(s.Boot.Entries), "entry"))
	}
	return s.Path
}

// Done writes how one step went.
func Done(w io.Writer, s plan.Step, err error) {
	if err != nil {
		fmt.Fprintf(w, "FAILED %s %s: %v\n", s.Kind, words(s), err)
		return
	}
	fmt.Fprintf(w, "done   %s %s\n", s.Kind, words(s))
}
