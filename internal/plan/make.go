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
	boot := Boot{Format: Format, Host: host.Name, Reset: host.Root.Reset, Archive: host.Root.Archive, Entries: []Step{}}
	var entries []decl.Entry
	if m.backend() {
		for _, s := range host.Stores {
			if at, ok := m.store(s); ok {
				boot.Stores = append(boot.Stores, at)
				entries = append(entries, s.Entries...)
			}
		}
	}
	slices.SortStableFunc(entries, func(a, b decl.Entry) int { return strings.Compare(a.Path, b.Path) })
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
	if len(boot.Stores) > 0 && boot.Stores[0].Path == host.Stores[0].Path {
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

// backend checks that the declared backend is what the root is.
func (m *maker) backend() bool {
	if len(m.host.Stores) == 0 {
		return true
	}
	r := m.host.Root
	root, ok := m.facts.Mounts.At("/")
	switch {
	case !ok:
		return m.conflict(r.Pos, "/", "is /proc mounted?", "no root filesystem is in the mount table")
	case r.Backend != decl.Btrfs && r.Backend != decl.Overlay:
		return m.conflict(r.Pos, "/", `use a btrfs root, or 'anicca try' to see what it will do`,
			"root.backend %q cannot reset a machine yet: it comes with the release step \"The reset that can be trusted\"", r.Backend)
	case root.FSType != string(r.Backend):
		return m.conflict(r.Pos, "/", "write the backend that fits this machine",
			"root.backend is %q, but the root of this machine is %s", r.Backend, root.FSType)
	}
	return true
}

// store checks that a store is mounted where it was declared, and returns where the initrd will find it.
func (m *maker) store(s decl.Store) (BootStore, bool) {
	at, ok := m.facts.Mounts.At(s.Path)
	if !ok {
		return BootStore{}, m.conflict(s.Pos, s.Path, "mount it, or let 'anicca init' make it",
			"the store is not mounted: what is kept there would be lost with the root")
	}
	out := BootStore{Path: s.Path}
	if root, ok := m.facts.Mounts.At("/"); ok && root.FSType == "btrfs" {
		if at.Major != root.Major || at.Minor != root.Minor {
			return BootStore{}, m.conflict(s.Pos, s.Path, "make it a subvolume of the root's filesystem, as 'anicca init' does",
				"the store lies on %s (%s), another filesystem than the root: that comes with a later release", at.Source, at.FSType)
		}
		out.Subvol = strings.Trim(at.Root, "/")
		if rootSub := strings.Trim(root.Root, "/"); out.Subvol == rootSub || strings.HasPrefix(out.Subvol, rootSub+"/") {
			return BootStore{}, m.conflict(s.Pos, s.Path, "mount a subvolume of its own there, from the top level of the filesystem",
				"the store lies in the root's own subvolume %s: it would be reset with the root", rootSub)
		}
	}
	return out, true
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
