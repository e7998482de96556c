package live

import (
	"errors"
	"slices"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/plan"
)

// Wishes are what shall be kept from now on, and what no review shall name any more.
type Wishes struct {
	Keep   []string   // paths
	Use    []decl.Use // presets
	Store  string     // for both; empty for the machine's main one
	Ignore []string   // patterns
}

// Decide says what has to be done for all of the wishes, as [Keep] does.
func Decide(m Machine, w Wishes) (*Change, error) {
	host, err := config.Load(m.Declaration)
	if err != nil {
		return nil, err
	}
	if len(w.Keep)+len(w.Use) == 0 {
		edit, err := config.Keep(m.Declaration, nil, w.Ignore...)
		if err != nil {
			return nil, err
		}
		return &Change{Edited: edit.Files, Plan: &plan.Plan{Format: plan.Format, Host: host.Name}, machine: m}, nil
	}
	f, err := m.Facts(host)
	if err != nil {
		return nil, err
	}
	store, err := storeFor(host, f, w.Store)
	if err != nil {
		return nil, err
	}
	wishes, notes, err := m.wishes(host, w.Keep, store)
	if err != nil {
		return nil, err
	}
	for _, u := range w.Use {
		wishes = append(wishes, config.Wish{Preset: u.Preset, Home: u.Home, Store: store})
	}
	edit, err := config.Keep(m.Declaration, wishes, w.Ignore...)
	if err != nil {
		return nil, err
	}
	if f, err = m.Facts(edit.Host); err != nil {
		return nil, err
	}
	p, err := only(plan.Make(edit.Host, f), f, append(ofPresets(edit.Host, w.Use), w.Keep...), store)
	if err != nil {
		return nil, err
	}
	p.Notes = append(notes, p.Notes...)
	return &Change{Edited: edit.Files, Plan: p, machine: m}, nil
}

// wishes looks what lies at the paths that shall be kept. What is kept already is a note.
func (m Machine) wishes(host *decl.Host, paths []string, store string) (wishes []config.Wish, notes []plan.Note, err error) {
	var errs []error
	for _, p := range paths {
		if e, exact, ok := find(host, p); ok {
			said := "is kept already"
			if !exact {
				said += ": it lies in " + e.Path
			}
			if e.Preset != "" {
				said += ", of the preset " + e.Preset
			}
			notes = append(notes, plan.Note{Why: e.Pos, Path: p, Msg: said})
			continue
		}
		kind, err := m.kind(p, store)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		wishes = append(wishes, config.Wish{Path: p, Kind: kind, Store: store})
	}
	return wishes, notes, errors.Join(errs...)
}

// ofPresets returns the paths that presets keep.
func ofPresets(host *decl.Host, use []decl.Use) []string {
	var out []string
	for _, s := range host.Stores {
		for _, e := range s.Entries {
			if e.Preset != "" && slices.Contains(use, decl.Use{Preset: e.Preset, Home: e.Home}) {
				out = append(out, e.Path)
			}
		}
	}
	return out
}
