package plan

import "anicca/internal/decl"

// file plans a kept file. It reports whether the entry can be put in place.
func (m *maker) file(e decl.Entry, place Step) bool {
	there, kept := m.facts.Objects[e.Path], m.facts.Objects[place.Source]
	if done, ok := m.reachable(e, there, kept); done {
		return ok
	}
	ours := there.IsLink() && there.Link == e.Source()
	switch {
	case there.IsLink() && !ours:
		return m.conflict(e.Pos, e.Path, "declare what it points to instead", "is a symbolic link to %s, not a file", there.Link)
	case there.IsDir():
		return m.conflict(e.Pos, e.Path, "declare it under directories, or move it away", "is a directory, not a file")
	case there.Exists && !there.IsFile() && !ours:
		return m.conflict(e.Pos, e.Path, "undeclare it: it has no content to keep", "is not a regular file")
	case kept.Exists && !kept.IsFile():
		return m.conflict(e.Pos, e.Path, "move "+e.Source()+" away", "its kept copy %s is not a regular file", e.Source())
	}
	switch {
	case !kept.Exists && (!there.Exists || ours || e.Method == decl.Copy && there.Empty):
		m.note(e, "does not exist yet: the first boot or apply that finds it keeps it")
		return true
	case ours && e.Method == decl.Symlink:
		return true
	case kept.Exists && e.Method == decl.Copy && there.Same:
		return true
	case kept.Exists && (!there.Exists || ours || there.Empty || there.Same):
	case !kept.Exists:
		m.step(place, Adopt)
		if e.Method == decl.Copy {
			return true
		}
	default:
		return m.both(e)
	}
	m.step(place, Kind(e.Method))
	return true
}
