package plan

import (
	"anicca/internal/decl"
	"anicca/internal/facts"
)

// carry plans a file that stays a plain file. It reports whether the entry can be put in place. What the session changes needs no
// step: the next boot carries it over.
func (m *maker) carry(e decl.Entry, place Step) bool {
	there, kept := m.facts.Objects[e.Path], m.facts.Objects[place.Source]
	if m.mounts.Shows(e.Source(), e.Path) {
		m.note(e, "is kept by bind in this session, and carried from the next boot on")
		return true
	}
	if done, ok := m.reachable(e, there, kept); done {
		return ok
	}
	if a := m.above(e.Path); a.at != "" && !a.asleep {
		m.note(e, "lies on the filesystem of %s, which no boot resets: it stays as it is there, and needs no entry", a.at)
		return false
	}
	ours := there.IsLink() && there.Link == e.Source()
	switch {
	case there.IsDir():
		return m.conflict(e.Pos, e.Path, "declare it under directories, or move it away", "is a directory, not a file")
	case there.Exists && !there.IsFile() && !there.IsLink():
		return m.conflict(e.Pos, e.Path, "undeclare it: it has no content to keep", "is neither a file nor a link")
	case kept.Exists && !kept.IsFile() && !kept.IsLink():
		return m.conflict(e.Pos, e.Path, "move "+e.Source()+" away", "its kept copy %s is neither a file nor a link", e.Source())
	}
	place.Root = m.facts.Root
	place.Main = m.main()
	for _, v := range m.host.Root.Volumes {
		place.Volumes = append(place.Volumes, v.Path)
	}
	known := there.Placed != facts.PlacedUnknown
	switch {
	case !kept.Exists && (!there.Exists || ours):
		m.note(e, "does not exist yet: the first boot or apply that finds it keeps it")
		return true
	case !kept.Exists:
	case there.Placed == facts.PlacedChanged: // or removed
		return true
	case there.Exists && there.Same && (known || m.facts.Root == ""):
		return true
	case known || !there.Exists || ours || there.Empty || there.Same:
	default:
		return m.both(e)
	}
	m.step(place, Carry)
	return true
}

// main is the store that has anicca's own records, or will have them.
func (m *maker) main() string {
	if s, ok := m.facts.MainStore(m.host); ok {
		return s.Path
	}
	if len(m.host.Stores) > 0 {
		return m.host.Stores[0].Path
	}
	return ""
}
