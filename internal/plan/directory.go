package plan

import (
	"anicca/internal/decl"
	"anicca/internal/facts"
)

// directory plans a kept directory. It reports whether the entry can be put in place.
func (m *maker) directory(e decl.Entry, place Step) bool {
	there, kept := m.facts.Objects[e.Path], m.facts.Objects[e.Source()]
	if done, ok := m.reachable(e, there, kept); done {
		return ok
	}
	switch {
	case there.IsLink():
		return m.conflict(e.Pos, e.Path, "declare what it points to instead", "is a symbolic link to %s, not a directory", there.Link)
	case there.Exists && !there.IsDir():
		return m.conflict(e.Pos, e.Path, "declare it under files, or move it away", "is not a directory")
	case kept.Exists && !kept.IsDir():
		return m.conflict(e.Pos, e.Path, "move "+e.Source()+" away", "its kept copy %s is not a directory", e.Source())
	}
	if below := m.mounts.Below(e.Path); len(below) > 0 {
		in := below[0].Target
		hint := "unmount that first; or undeclare what lies in " + e.Path + " and reboot"
		if _, said := m.facts.Fstab.At(in); said {
			hint = "unmount that, run 'anicca apply', and mount it again; boots do it in that order"
		} else if m.kept(in) {
			hint = "that is an entry itself: 'anicca forget " + in + "', then 'anicca apply', then keep it again"
		}
		return m.conflict(e.Pos, e.Path, hint, "%s is mounted in it and would be hidden", in)
	}
	switch {
	case !there.Exists && !kept.Exists:
		m.step(place, Create)
	case kept.Exists && (!there.Exists || there.Empty || there.Same):
	case !kept.Exists || kept.Empty:
		m.step(place, Adopt)
	default:
		return m.both(e)
	}
	m.step(place, Bind)
	return true
}

// reachable handles what directories and files have in common: an entry that is in place already,
// links above it, and other mounts on it. Done means that nothing is left to decide.
func (m *maker) reachable(e decl.Entry, there, kept facts.Object) (done, ok bool) {
	for _, o := range []facts.Object{there, kept} {
		if o.Err != "" {
			return true, m.conflict(e.Pos, e.Path, "see what happens there, then run 'anicca apply' again", "cannot be looked at: %s", o.Err)
		}
	}
	if there.Via != "" {
		return true, m.conflict(e.Pos, e.Path, "declare the path that it leads to", "%s above it is a symbolic link", there.Via)
	}
	if kept.Via != "" {
		return true, m.conflict(e.Pos, e.Path, "remove the link, or move what it points to into the store",
			"%s above its kept copy is a symbolic link", kept.Via)
	}
	at, mounted := m.mounts.At(e.Path)
	if !mounted {
		return false, false
	}
	if m.mounts.Shows(e.Source(), e.Path) {
		if e.Method == decl.Bind {
			return true, true
		}
		return true, m.conflict(e.Pos, e.Path, "run 'umount "+e.Path+" && anicca apply --yes' in one go, as the watcher mounts it again; or reboot",
			"is kept by bind in this session, and declared as %s now", e.Method)
	}
	return true, m.conflict(e.Pos, e.Path, "undeclare it if that mount keeps it already, or unmount it",
		"is a mount of its own already, of %s (%s)", at.Source, at.FSType)
}

// both is the conflict of an entry that holds different data on both sides.
func (m *maker) both(e decl.Entry) bool {
	return m.conflict(e.Pos, e.Path,
		"look at both, move the one that you do not want away, then run 'anicca apply'",
		"holds data, and so does its kept copy %s, and they differ", e.Source())
}
