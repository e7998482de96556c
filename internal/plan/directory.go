package plan

import (
	"path"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// directory plans a kept directory. It reports whether the entry can be put in place.
func (m *maker) directory(e decl.Entry, place Step) bool {
	there, kept := m.facts.Objects[e.Path], m.facts.Objects[place.Source]
	if done, ok := m.reachable(e, there, kept); done {
		return ok
	}
	ours := there.IsLink() && there.Link == e.Source()
	switch {
	case there.IsLink() && !ours:
		return m.conflict(e.Pos, e.Path, "declare what it points to instead", "is a symbolic link to %s, not a directory", there.Link)
	case there.Exists && !there.IsDir() && !ours:
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
	if e.Method == decl.Symlink && !m.search(e, place) {
		return false
	}
	switch {
	case ours && e.Method == decl.Symlink && kept.Exists:
		return true
	case (!there.Exists || ours) && !kept.Exists:
		m.step(place, Create)
		if ours && e.Method == decl.Symlink {
			return true
		}
	case kept.Exists && (!there.Exists || ours || there.Empty || there.Same):
	case !kept.Exists || kept.Empty:
		m.step(place, Adopt)
	default:
		return m.both(e)
	}
	m.step(place, Kind(e.Method))
	return true
}

// search makes sure that the user of a home can go where a link to a kept copy leads.
func (m *maker) search(e decl.Entry, place Step) bool {
	if place.Home == nil {
		return true
	}
	for up := path.Dir(e.Source()); ; up = path.Dir(up) {
		o := m.facts.Objects[up]
		bit := decl.Mode(0o001)
		switch {
		case o.UID == place.Home.UID:
			bit = 0o100
		case o.GID == place.Home.GID:
			bit = 0o010
		}
		if o.IsDir() && o.Mode&bit == 0 && place.Home.UID != 0 {
			return m.conflict(e.Pos, e.Path, "run 'chmod o+x "+up+"', or leave method out",
				"is to be a link, and %s could not follow it: %s has owner %d:%d and mode %s", e.Home, up, o.UID, o.GID, o.Mode)
		}
		if up == "/" {
			return true
		}
	}
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
		if e.Kind == decl.Directory && m.host.Root.Reset == decl.ResetOn {
			m.note(e, "is kept by bind in this session, and by a link from the next boot on")
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
