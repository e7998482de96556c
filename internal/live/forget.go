package live

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Fate is what becomes of a kept copy that nothing is declared for any more.
type Fate string

const (
	Leave   Fate = "leave"   // it stays in the store, as an orphan
	Archive Fate = "archive" // it is moved to a place of its own in the store
	Delete  Fate = "delete"
)

// Forget says what has to be done to forget the given paths. Now is part of the name of where kept copies are moved.
func Forget(m Machine, paths []string, fate Fate, now time.Time) (*Change, error) {
	host, err := config.Load(m.Declaration)
	if err != nil {
		return nil, err
	}
	f, err := m.Facts(host)
	if err != nil {
		return nil, err
	}
	recorded := &plan.Boot{}
	if main, ok := f.MainStore(host); ok && f.Boot == nil {
		if _, mounted := f.Mounts.At(main.Path); !mounted {
			return nil, fmt.Errorf("the store %s is not mounted: the next boot would go on to keep it: mount it first", main.Path)
		}
	}
	if f.Boot != nil {
		if recorded, err = plan.DecodeBoot(f.Boot); err != nil {
			return nil, err
		}
	}
	c := &Change{machine: m}
	var entries []decl.Entry
	var errs []error
	for _, p := range paths {
		e, exact, ok := find(host, p)
		t, err := m.taking(host, recorded, p, fate)
		switch {
		case ok && exact:
			entries = append(entries, e)
			if t == nil {
				t = &Taking{Path: p, Fate: fate, step: stepOf(e)}
			}
		case t == nil && ok:
			err = fmt.Errorf("%s is kept because it lies in %s (%s): forget that, and keep what you want of it", p, e.Path, e.Pos)
		case t == nil && err == nil:
			err = fmt.Errorf("%s is not kept", p)
		}
		if err == nil && fate != Leave && !m.Root.IsMounted(t.step.Store) {
			err = fmt.Errorf("%s: its store %s is not mounted: mount it first; or leave the kept copy in it, with neither --archive nor --delete", p, t.step.Store)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t.now = now
		c.Taken = append(c.Taken, t)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	edit, err := config.Forget(m.Declaration, entries)
	if err != nil {
		return nil, err
	}
	c.Edited = edit.Files
	if f, err = m.Facts(edit.Host); err != nil {
		return nil, err
	}
	c.Plan = forgetting(plan.Make(edit.Host, f), edit.Host.Root.Pos, recorded, paths)
	for _, t := range c.Taken {
		if err := m.look(t); err != nil {
			return nil, err
		}
		if below := f.Mounts.Below(t.Path); t.InPlace && len(below) > 0 {
			t.Waits = below[0].Target + " is mounted in it"
		}
	}
	return c, nil
}

// stepOf is how an entry is put in place that was never applied.
func stepOf(e decl.Entry) plan.Step {
	return plan.Step{Kind: plan.Kind(e.Method), Path: e.Path, Store: e.Store, Source: e.Source(), Dir: e.Kind == decl.Directory}
}

// taking finds what there is to take away at a path: what the last boot plan keeps, or what is left from earlier ones.
// It is nil if there is nothing.
func (m Machine) taking(host *decl.Host, recorded *plan.Boot, p string, fate Fate) (*Taking, error) {
	for _, s := range recorded.Entries {
		if s.Path == p {
			return &Taking{Path: p, Fate: fate, step: s}, nil
		}
	}
	if _, exact, ok := find(host, p); ok && exact {
		return nil, nil
	}
	for _, s := range host.Stores {
		source := path.Join(s.Path, p)
		if own := stands(host, recorded, s.Path, p); own != "" {
			return nil, fmt.Errorf("%s is no kept copy, as %s: 'anicca orphans' lists what can be taken away", source, own)
		}
		there, err := m.Root.Stat(source)
		if sys.IsLoop(err) || isMissing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		step := plan.Step{Path: p, Store: s.Path, Source: source, Dir: there.IsDir()}
		for _, kind := range []plan.Kind{plan.Bind, plan.Symlink} {
			step.Kind = kind
			if apply.Verify(m.Root, step) == nil {
				return &Taking{Path: p, Fate: fate, step: step}, nil
			}
		}
		step.Kind = ""
		if _, _, inside := find(host, p); inside {
			continue
		}
		switch top, err := m.Root.Stat(s.Path); {
		case err != nil:
			return nil, err
		case top.MountID != there.MountID:
			return nil, fmt.Errorf("%s lies on another filesystem than its store: it is no kept copy", source)
		}
		if above(host, recorded, p) {
			return nil, fmt.Errorf("%s is not an entry, but others lie in it: name them", p)
		}
		if fate == Leave {
			return nil, fmt.Errorf("%s is not kept any more. Its kept copy %s is left: --archive moves it away, --delete deletes it", p, source)
		}
		return &Taking{Path: p, Fate: fate, step: step}, nil
	}
	return nil, nil
}

// stands says what a place in a store is, or holds, that is never forgotten: a store, or what it has for itself. It is empty if there is nothing.
func stands(host *decl.Host, recorded *plan.Boot, store, p string) string {
	if decl.StoreOwn(p) {
		return "that is the store's own"
	}
	source := path.Join(store, p)
	stores := []string{}
	for _, s := range host.Stores {
		stores = append(stores, s.Path)
	}
	for _, s := range recorded.Stores {
		stores = append(stores, s.Path)
	}
	for _, s := range stores {
		if s == source || strings.HasPrefix(s, source+"/") {
			return "it is, or holds, the store " + s
		}
	}
	return ""
}

// above reports whether an entry lies below a path, declared or of the recorded boot plan.
func above(host *decl.Host, recorded *plan.Boot, p string) bool {
	below := func(q string) bool { return strings.HasPrefix(q, strings.TrimSuffix(p, "/")+"/") }
	return slices.ContainsFunc(recorded.Entries, func(s plan.Step) bool { return below(s.Path) }) ||
		slices.ContainsFunc(host.Stores, func(s decl.Store) bool {
			return slices.ContainsFunc(s.Entries, func(e decl.Entry) bool { return below(e.Path) })
		})
}

// forgetting is the plan that records the boot plan without the given paths. What else the full plan would do is left to 'anicca apply'.
func forgetting(full *plan.Plan, why decl.Pos, recorded *plan.Boot, paths []string) *plan.Plan {
	out := &plan.Plan{Format: full.Format, Host: full.Host, Steps: []plan.Step{}}
	next := *recorded
	next.Entries = slices.DeleteFunc(slices.Clone(recorded.Entries), func(s plan.Step) bool { return slices.Contains(paths, s.Path) })
	if len(next.Entries) < len(recorded.Entries) {
		at := path.Join(recorded.Stores[0].Path, decl.StateDir, "current")
		addRecord(out, &plan.Step{ID: string(plan.Record) + ":" + at, Kind: plan.Record, Why: why, Path: at, Store: recorded.Stores[0].Path}, next)
	}
	for _, s := range full.Steps {
		if s.Kind != plan.Record || rest(*s.Boot, next) {
			out.Notes = append(out.Notes, plan.Note{Why: s.Why, Path: full.Host, Msg: otherChanges})
			break
		}
	}
	return out
}
