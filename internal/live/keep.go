package live

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/plan"
)

// Keep says what has to be done to keep the given paths: in the store at the given path, or in the machine's main one.
// What it refuses, or cannot do without losing data, is in the plan's conflicts; then nothing must be done.
func Keep(m Machine, paths []string, store string) (*Change, error) {
	return Decide(m, Wishes{Keep: paths, Store: store})
}

// storeFor returns the store that is asked for, or the main one.
func storeFor(host *decl.Host, f *facts.Facts, wanted string) (string, error) {
	if wanted == "" {
		s, _ := f.MainStore(host)
		return s.Path, nil
	}
	var known []string
	for _, s := range host.Stores {
		if s.Path == path.Clean(wanted) {
			return s.Path, nil
		}
		known = append(known, s.Path)
	}
	return "", fmt.Errorf("there is no store %s; declared are %s", wanted, strings.Join(known, ", "))
}

// errUnapplied says that there is no boot plan yet that a change could be made to.
var errUnapplied = errors.New("nothing of this declaration was applied yet: 'anicca apply' puts all of it in place, then say it again")

// only reduces a plan to what concerns the given paths, which a store keeps. Its boot plan is the recorded one with the entries of
// those paths: what else was changed in the declaration, such as reset, is left to 'anicca apply'.
func only(p *plan.Plan, f *facts.Facts, paths []string, store string) (*plan.Plan, error) {
	out := &plan.Plan{Format: p.Format, Host: p.Host, Steps: []plan.Step{}}
	if f.Boot == nil {
		for _, c := range p.Conflicts { // it may have been applied, and not be seen
			if c.Path == store || c.Path == "/" {
				out.Conflicts = append(out.Conflicts, c)
			}
		}
		if len(out.Conflicts) > 0 {
			return out, nil
		}
		return nil, errUnapplied
	}
	recorded, err := plan.DecodeBoot(f.Boot)
	if err != nil {
		return nil, err
	}
	mine := func(at string) bool { return slices.Contains(paths, at) }
	var record *plan.Step
	others := 0
	for _, s := range p.Steps {
		switch {
		case s.Kind == plan.Record:
			record = &s
		case mine(s.Path):
			out.Steps = append(out.Steps, s)
		default:
			others++
		}
	}
	for _, c := range p.Conflicts {
		// All hangs of the root, and of the stores with what is kept and with the records; others stay in the boot plan as they are.
		if mine(c.Path) || c.Path == "/" || c.Path == store || len(recorded.Stores) > 0 && recorded.Stores[0].Path == c.Path {
			out.Conflicts = append(out.Conflicts, c)
		}
	}
	for _, n := range p.Notes {
		if mine(n.Path) {
			out.Notes = append(out.Notes, n)
		}
	}
	if record == nil {
		return out, nil
	}
	next := *recorded
	next.Entries = nil
	for _, s := range record.Boot.Entries {
		if !mine(s.Path) {
			continue
		}
		if !slices.ContainsFunc(recorded.Stores, func(b plan.BootStore) bool { return b.Path == s.Store }) {
			return nil, fmt.Errorf("the store %s is declared, but was not applied yet: run 'anicca apply' first", s.Store)
		}
		next.Entries = append(next.Entries, s)
	}
	for _, s := range recorded.Entries {
		if !slices.ContainsFunc(next.Entries, func(n plan.Step) bool { return n.Path == s.Path }) {
			next.Entries = append(next.Entries, s)
		}
	}
	addRecord(out, record, next)
	if others > 0 || rest(*record.Boot, next) {
		out.Notes = append(out.Notes, plan.Note{Why: record.Why, Path: p.Host, Msg: otherChanges})
	}
	return out, nil
}

// otherChanges is said where a declaration was edited, and the edit is not all that is applied.
const otherChanges = "the declaration has other changes, which are left to 'anicca apply'"

// addRecord adds the step that records a boot plan.
func addRecord(p *plan.Plan, like *plan.Step, b plan.Boot) {
	slices.SortStableFunc(b.Entries, func(x, y plan.Step) int { return strings.Compare(x.Path, y.Path) })
	s := *like
	s.Boot = &b
	p.Steps = append(p.Steps, s)
}

// rest reports whether a full boot plan says anything that the next one does not.
func rest(full, next plan.Boot) bool {
	if full.Reset != next.Reset || full.Backend != next.Backend || len(full.Stores) != len(next.Stores) || len(full.Entries) != len(next.Entries) {
		return true
	}
	return !slices.EqualFunc(full.Entries, next.Entries, func(x, y plan.Step) bool { return x.Path == y.Path && x.Kind == y.Kind })
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
