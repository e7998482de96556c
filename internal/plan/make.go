package plan

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
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
	m := maker{
		host: host, facts: f, mounts: f.Mounts.Index(), plan: &Plan{Format: Format, Host: host.Name, Steps: []Step{}},
		phases: raise(host), under: map[string]above{}, away: map[string]above{},
	}
	if f.Boot != nil {
		m.recorded, _ = DecodeBoot(f.Boot) // what cannot be read is written anew
	}
	if m.recorded != nil {
		m.at = make(map[string]int, len(m.recorded.Entries))
		for i, s := range slices.Backward(m.recorded.Entries) {
			m.at[s.Path] = i
		}
	}
	for _, n := range host.Notes {
		m.plan.Notes = append(m.plan.Notes, Note{Why: n.Pos, Path: n.Path, Msg: strings.TrimPrefix(n.Msg, n.Path+": ")})
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
	boot.Entries = slices.Grow(boot.Entries, len(entries))
	m.plan.Steps = slices.Grow(m.plan.Steps, len(entries)+1) // most need one, and it is recorded
	for _, e := range entries {
		place, ok := m.place(e)
		if !ok {
			if i := m.recordedAt(e.Path); i >= 0 { // with the numbers that it had
				boot.Entries = append(boot.Entries, m.recorded.Entries[i])
			}
			continue
		}
		switch {
		case e.Kind == decl.Directory:
			m.renamed(e)
			ok = m.directory(e, place)
		case e.Method == decl.Carry:
			ok = m.carry(e, place)
		default:
			ok = m.file(e, place)
		}
		if ok {
			m.give(e, place)
		}
		if i := m.recordedAt(e.Path); ok {
			boot.Entries = append(boot.Entries, place)
		} else if i >= 0 { // it stays as it was
			boot.Entries = append(boot.Entries, m.recorded.Entries[i])
		}
	}
	boot.Stores = m.known(boot.Stores, boot.Entries)
	m.pending(boot.Stores, boot.Entries)
	if m.moved() { // nothing that is kept now would belong to whom it should
		m.plan.Steps = []Step{}
		return m.plan
	}
	inOrder(boot.Entries, func(s Step) string { return s.Path })
	if len(boot.Stores) > 0 && !m.locksOut() {
		m.record(boot)
	}
	return m.plan
}

// inOrder sorts by path, and mostly finds that done: what is sorted is large.
func inOrder[T any](all []T, by func(T) string) {
	less := func(a, b T) int { return strings.Compare(by(a), by(b)) }
	if !slices.IsSortedFunc(all, less) {
		slices.SortStableFunc(all, less)
	}
}

// maker collects a plan.
type maker struct {
	host     *decl.Host
	facts    *facts.Facts
	mounts   facts.Table    // of the facts
	recorded *Boot          // nil if there is none
	at       map[string]int // of the recorded entries, by path
	plan     *Plan
	phases   map[string]decl.Phase // by when entries have to be in place
	under    map[string]above      // where kept directories lie
	away     map[string]above      // where stores lie
}

func (m *maker) step(s Step, kind Kind) {
	if s.Kind != kind {
		s.Kind, s.ID = kind, string(kind)+":"+s.Path
	}
	m.plan.Steps = append(m.plan.Steps, s)
}

func (m *maker) conflict(why decl.Pos, at, hint, format string, args ...any) bool {
	m.plan.Conflicts = append(m.plan.Conflicts, Conflict{Why: why, Path: at, Msg: fmt.Sprintf(format, args...), Hint: hint})
	return false
}

func (m *maker) note(e decl.Entry, format string, args ...any) {
	m.plan.Notes = append(m.plan.Notes, Note{Why: e.Pos, Path: e.Path, Msg: fmt.Sprintf(format, args...)})
}

// recordedAt is where in the recorded boot plan an entry is, negative if it is not there.
func (m *maker) recordedAt(p string) int {
	if i, ok := m.at[p]; ok {
		return i
	}
	return -1
}

// place is the step that puts an entry's kept copy at its path, now and at every boot.
// It is not ok if a name of the entry is nobody's, or if it cannot be in place when it has to be.
func (m *maker) place(e decl.Entry) (s Step, ok bool) {
	kind := Kind(e.Method)
	s = Step{
		ID: string(kind) + ":" + e.Path, Kind: kind, Why: e.Pos,
		Path: e.Path, Store: e.Store, Source: e.Source(), Dir: e.Kind == decl.Directory,
		Options: e.MountOptions, Enforce: e.Enforce, OnConflict: e.OnConflict, OnDelete: e.OnDelete,
	}
	ok = m.perm(e, e.Perm, &s.Perm) && m.perm(e, e.Parent, &s.Parent)
	if u, ok := m.facts.Accounts.User(e.Home); ok && e.Home != "" {
		s.Home = &Home{Dir: u.Home, UID: u.UID, GID: u.GID}
	}
	return s, m.when(e, &s) && ok
}

// perm turns names into numbers, once: what is recorded holds for every boot until the next apply.
// A user without a group brings the user's own.
func (m *maker) perm(e decl.Entry, p decl.Perm, out *Perm) bool {
	out.Mode = p.Mode
	if p.User != "" {
		u, known := m.facts.Accounts.User(p.User)
		uid, err := strconv.Atoi(p.User)
		switch {
		case known:
			out.UID, out.GID = &u.UID, &u.GID
		case err == nil:
			out.UID = &uid
		default:
			return m.conflict(e.Pos, e.Path, "make the user first, or write the number that it will have", "there is no user %s on this machine", p.User)
		}
	}
	if p.Group != "" {
		gid, known := m.facts.Accounts.Group(p.Group)
		if !known {
			var err error
			if gid, err = strconv.Atoi(p.Group); err != nil {
				return m.conflict(e.Pos, e.Path, "make the group first, or write the number that it will have", "there is no group %s on this machine", p.Group)
			}
		}
		out.GID = &gid
	}
	return true
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
