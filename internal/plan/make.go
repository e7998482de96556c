package plan

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// Make returns the steps from what is to what should be.
//
// An entry whose data would be hidden or overwritten gets a [Conflict] and no step;
// the others go on without it.
// Parents come before what lies in them, and the [Record] of the boot plan comes last.
func Make(host *decl.Host, f *facts.Facts) *Plan {
	m := maker{host: host, facts: f, plan: &Plan{Format: Format, Host: host.Name, Steps: []Step{}}}
	if f.Boot != nil {
		m.recorded, _ = DecodeBoot(f.Boot) // what cannot be read is written anew
	}
	r := host.Root
	boot := Boot{
		Format: Format, Host: host.Name, Backend: r.Backend, Reset: r.Reset, Strict: r.Strict, Size: r.Size, Archive: r.Archive,
	}
	var entries []decl.Entry
	if m.backend() {
		boot.Volumes = m.volumes()
		boot.Stores, entries, boot.Entries = m.stores()
	}
	if boot.Entries == nil {
		boot.Entries = []Step{}
	}
	for _, e := range entries {
		place := m.place(e)
		ok := false
		if e.Kind == decl.Directory {
			ok = m.directory(e, place)
		} else {
			ok = m.file(e, place)
		}
		if ok || m.wasRecorded(e.Path) {
			boot.Entries = append(boot.Entries, place)
		}
	}
	m.pending(boot.Stores)
	slices.SortStableFunc(boot.Entries, func(a, b Step) int { return strings.Compare(a.Path, b.Path) })
	if len(boot.Stores) > 0 {
		m.record(boot)
	}
	return m.plan
}

// maker collects a plan.
type maker struct {
	host     *decl.Host
	facts    *facts.Facts
	recorded *Boot // nil if there is none
	plan     *Plan
}

func (m *maker) step(s Step, kind Kind) {
	s.Kind = kind
	s.ID = string(kind) + ":" + s.Path
	m.plan.Steps = append(m.plan.Steps, s)
}

func (m *maker) conflict(why decl.Pos, at, hint, format string, args ...any) bool {
	m.plan.Conflicts = append(m.plan.Conflicts, Conflict{Why: why, Path: at, Msg: fmt.Sprintf(format, args...), Hint: hint})
	return false
}

func (m *maker) note(e decl.Entry, format string, args ...any) {
	m.plan.Notes = append(m.plan.Notes, Note{Why: e.Pos, Path: e.Path, Msg: fmt.Sprintf(format, args...)})
}

func (m *maker) wasRecorded(p string) bool {
	return m.recorded != nil && slices.ContainsFunc(m.recorded.Entries, func(s Step) bool { return s.Path == p })
}

// place is the step that puts an entry's kept copy at its path, now and at every boot.
func (m *maker) place(e decl.Entry) Step {
	kind := Kind(e.Method)
	s := Step{
		ID: string(kind) + ":" + e.Path, Kind: kind, Why: e.Pos,
		Path: e.Path, Store: e.Store, Source: e.Source(), Dir: e.Kind == decl.Directory,
		Options: e.MountOptions, Perm: m.perm(e.Perm), Parent: m.perm(e.Parent),
	}
	if u, ok := m.facts.Accounts.User(e.Home); ok && e.Home != "" {
		s.Home = &Home{Dir: u.Home, UID: u.UID, GID: u.GID}
	}
	return s
}

// perm turns names into numbers. A user without a group brings the user's own.
func (m *maker) perm(p decl.Perm) Perm {
	out := Perm{Mode: p.Mode}
	if u, ok := m.facts.Accounts.User(p.User); ok && p.User != "" {
		out.UID, out.GID = &u.UID, &u.GID
	}
	if g, ok := m.facts.Accounts.Group(p.Group); ok && p.Group != "" {
		out.GID = &g
	}
	return out
}

// record adds the step that writes the boot plan, if it is not what is recorded already.
func (m *maker) record(b Boot) {
	if m.recorded != nil && equal(*m.recorded, b) {
		return
	}
	store := b.Stores[0].Path
	m.step(Step{Why: m.host.Root.Pos, Path: path.Join(store, decl.StateDir, "current"), Store: store, Boot: &b}, Record)
}

// equal compares two boot plans apart from what does not change a boot: their numbers and positions.
func equal(a, b Boot) bool {
	x, err1 := json.Marshal(bare(a))
	y, err2 := json.Marshal(bare(b))
	return err1 == nil && err2 == nil && string(x) == string(y)
}

func bare(b Boot) Boot {
	b.Generation = 0
	b.Entries = slices.Clone(b.Entries)
	for i := range b.Entries {
		b.Entries[i].Why = decl.Pos{}
	}
	return b
}
