// Package status says how a machine stands: what the last boot did, and every entry.
package status

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Status is how a machine stands.
type Status struct {
	OK       bool     `json:"ok"`
	Armed    bool     `json:"armed"` // the next boot resets the root
	Reset    string   `json:"reset"` // as declared
	Boot     Boot     `json:"boot"`
	Entries  []Entry  `json:"entries"`
	Problems []string `json:"problems,omitempty"` // each a sentence; a healthy machine has none
	Notes    []string `json:"notes,omitempty"`
}

// Boot is what the last boot did.
type Boot struct {
	Outcome    string  `json:"outcome"`
	Why        string  `json:"why,omitempty"`
	Base       int     `json:"base,omitempty"`
	Archive    string  `json:"archive,omitempty"`
	Generation int     `json:"generation,omitempty"`
	MS         float64 `json:"ms,omitempty"` // how long the reset took
}

// Entry is how one declared entry stands.
type Entry struct {
	Path     string `json:"path"`
	Method   string `json:"method"`
	InStore  bool   `json:"inStore"`
	InPlace  bool   `json:"inPlace"`
	Verified bool   `json:"verified"` // by the boot and by the late service
	Waiting  bool   `json:"waiting,omitempty"`
	Error    string `json:"error,omitempty"`
	Why      string `json:"why"`
}

// Make compares the declaration, its plan and the record of this boot with the machine whose root is the tree.
func Make(host *decl.Host, p *plan.Plan, r *boot.Record, tree *sys.Tree) *Status {
	s := &Status{Reset: string(host.Root.Reset), Armed: host.Root.Reset == decl.ResetOn, Entries: []Entry{}}
	s.boot(r)
	verified := map[string]boot.Entry{}
	if r != nil && r.Finished {
		for _, e := range r.Entries {
			verified[e.Path] = e
		}
	}
	for _, store := range host.Stores {
		for _, e := range store.Entries {
			s.entry(e, verified[e.Path], tree)
		}
	}
	slices.SortFunc(s.Entries, func(a, b Entry) int {
		if a.Path < b.Path {
			return -1
		}
		return 1
	})
	for _, c := range p.Conflicts {
		s.problem("%s: %s (%s): %s", c.Path, c.Msg, c.Why, c.Hint)
	}
	if len(p.Steps) > 0 {
		s.problem("the declaration is not applied: %d steps to do: run 'anicca apply'", len(p.Steps))
	}
	s.OK = len(s.Problems) == 0
	return s
}

func (s *Status) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

func (s *Status) boot(r *boot.Record) {
	if r == nil {
		s.Boot.Outcome = "unknown"
		s.problem("there is no record of this boot: it was the one before 'anicca init', or the initrd does not run anicca: reboot; if it stays so, run 'anicca init' again")
		return
	}
	s.Boot = Boot{Outcome: string(r.Outcome), Why: r.Why, Generation: r.Generation}
	if r.Made != nil {
		s.Boot.Base, s.Boot.Archive = r.Made.Base, r.Made.Archive
	}
	for _, t := range r.Steps {
		if t.Name == "reset" {
			s.Boot.MS = t.MS
		}
	}
	s.Problems = append(s.Problems, r.Problems...)
	s.Notes = append(s.Notes, r.Recovered...)
	switch {
	case r.Outcome == boot.Off:
		s.problem("anicca is off in this session: nothing of what is written now is kept, unless it lies in the store; reboot without anicca=off")
	case r.Outcome == boot.Unset:
		s.problem("the last boot found nothing to do: %s", r.Why)
	case r.Outcome == boot.Done && !r.Verified:
		s.problem("the running root was not verified to be the one that this boot made")
	case !r.Finished:
		s.problem("the late check of this boot has not run: systemctl status anicca.service")
	}
}

func (s *Status) entry(e decl.Entry, seen boot.Entry, tree *sys.Tree) {
	out := Entry{Path: e.Path, Method: string(e.Method), Why: e.Pos.String(), Verified: seen.State == boot.Placed, Error: seen.Error}
	there, err := tree.Exists(e.Source())
	out.InStore = there && err == nil
	step := plan.Step{Kind: plan.Kind(e.Method), Path: e.Path, Store: e.Store, Source: e.Source(), Dir: e.Kind == decl.Directory}
	verr := apply.Verify(tree, step)
	out.InPlace = verr == nil && out.InStore
	out.Waiting = !out.InStore && e.Kind == decl.File && (verr == nil || errors.Is(verr, fs.ErrNotExist))
	if seen.State == boot.Missed && out.InPlace {
		out.Error = ""
	}
	s.Entries = append(s.Entries, out)
	switch {
	case out.Waiting:
		s.Notes = append(s.Notes, e.Path+" does not exist yet; it is kept once it does")
	case !out.InPlace && err != nil:
		s.problem("%s: %v", e.Path, err)
	case !out.InPlace:
		s.problem("%s is not in place: %v", e.Path, verr)
	}
}
