package ui

import (
	"fmt"
	"io"

	"anicca/internal/decl"
	"anicca/internal/status"
	"anicca/internal/watch"
)

// Status writes how a machine stands.
func Status(w io.Writer, s *status.Status) {
	b := s.Boot
	switch {
	case b.OnBase:
		fmt.Fprintln(w, "nothing is forgotten in this session: the base itself is the root, and what is changed in it is changed for good")
	case s.Armed && s.Reset != string(decl.ResetOn):
		fmt.Fprintf(w, "still armed: root.reset is %q, which 'anicca apply' has not told the boot yet\n", s.Reset)
	case !s.Armed && s.Reset == string(decl.ResetOn):
		fmt.Fprintln(w, "not armed yet: root.reset is \"on\", which 'anicca apply' has not told the boot yet")
	case s.Armed:
		fmt.Fprintln(w, "armed: every boot starts from the base; undeclared changes of this session will be gone")
	default:
		fmt.Fprintf(w, "not armed: root.reset is %q, the root is kept\n", s.Reset)
	}
	switch {
	case b.Made != "" && b.Outcome == "done":
		fmt.Fprintf(w, "last boot: %s (%.0f ms)\n", b.Made, b.MS)
	case b.Why != "":
		fmt.Fprintf(w, "last boot: %s: %s\n", b.Outcome, b.Why)
	default:
		fmt.Fprintf(w, "last boot: %s\n", b.Outcome)
	}
	if s.Watch != nil && s.Watch.Running && s.Watch.State != nil {
		saved := 0
		for _, x := range s.Watch.State.Done {
			if x.What == watch.Saved {
				saved++
			}
		}
		fmt.Fprintf(w, "watcher: runs; lately %d healed, %d saved\n", len(s.Watch.State.Done)-saved, saved)
	}
	if s.Counted != nil {
		fmt.Fprintf(w, "counted at %s: %s\n", s.Counted.When.Format("15:04"), Counted(s.Counted.Report))
	}
	rows := [][]string{{"ENTRY", "METHOD", "IN STORE", "IN PLACE", "VERIFIED", "DECLARED AT"}}
	for _, e := range s.Entries {
		place := yes(e.InPlace)
		if e.Waiting {
			place = "waiting"
		}
		rows = append(rows, []string{e.Path, e.Method, yes(e.InStore), place, yes(e.Verified), e.Why})
	}
	if len(rows) > 1 {
		fmt.Fprintln(w)
		Table(w, rows)
	}
	for _, n := range s.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	for _, p := range s.Problems {
		fmt.Fprintln(w, "WRONG:", p)
	}
	if s.OK {
		fmt.Fprintln(w, "all is well")
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
