package ui

import (
	"cmp"
	"fmt"
	"io"

	"anicca/internal/decl"
	"anicca/internal/suggest"
)

// Suggest writes proposals with their reasons, and the lines that would keep them.
func Suggest(w io.Writer, r *suggest.Report) {
	where := "-"
	for _, p := range r.Proposals {
		if p.Home != where {
			if where != "-" {
				fmt.Fprintln(w)
			}
			where = p.Home
			if where == "" {
				fmt.Fprintln(w, "In the system:")
			} else {
				fmt.Fprintf(w, "In the home of %s:\n", where)
			}
		}
		what := cmp.Or(p.What, fmt.Sprintf("a %s", p.Kind))
		if p.Tier == decl.TierCache {
			what += " (a cache)"
		}
		fmt.Fprintf(w, "  %s: %s\n", cmp.Or(p.Preset, visible(p.Path)), what)
		for _, reason := range p.Reasons {
			fmt.Fprintf(w, "      because %s\n", printable(reason))
		}
		if p.Hazard != "" {
			fmt.Fprintf(w, "      beware: %s\n", p.Hazard)
		}
	}
	if len(r.Proposals) == 0 {
		fmt.Fprintln(w, "nothing to suggest: what is known of this machine is kept, or switched off")
	} else {
		fmt.Fprintf(w, "\nNothing was changed. To keep it, add what you want of this to the declaration:\n\n%s", r.Lines)
	}
	for _, at := range r.Apart {
		fmt.Fprintf(w, "\nnote: %s is a filesystem of its own that is not reset: nothing is suggested for what lies on it\n", at)
	}
	if n := len(r.Private); n > 0 {
		fmt.Fprintf(w, "\nnote: not looked into, as private: %s: sudo anicca suggest\n", Many(n, "place"))
	}
}
