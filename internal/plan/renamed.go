package plan

import (
	"slices"

	"anicca/internal/decl"
)

// renamed notes that a folder which a preset keeps has another name than when the recorded boot plan was made, as after the language of
// a desktop was changed. Nothing is moved by itself: the user may have wanted an empty folder.
func (m *maker) renamed(e decl.Entry) {
	if e.Kind != decl.Directory || e.Preset == "" || e.Home == "" || m.recorded == nil || m.recordedAt(e.Path) >= 0 {
		return
	}
	var before []Step // kept by the same line, and not any more
	for _, s := range m.recorded.Entries {
		if s.Dir && s.Why == e.Pos && s.Store == e.Store && !m.declared(s.Path) {
			before = append(before, s)
		}
	}
	fresh := 0
	for _, s := range m.host.Stores {
		for _, o := range s.Entries {
			if o.Pos == e.Pos && o.Kind == decl.Directory && m.recordedAt(o.Path) < 0 {
				fresh++
			}
		}
	}
	if len(before) != 1 || fresh != 1 {
		return
	}
	there, kept := m.facts.Objects[e.Path], m.facts.Objects[e.Source()]
	old := before[0]
	if kept.Exists || there.Exists && !there.Empty {
		m.note(e, "is what the folder is called now; what was kept as %s stays in %s", old.Path, old.Source)
		return
	}
	m.note(e, "is what the folder is called now, and is empty; what was kept as %s lies in %s. To have it here, run 'mv %s %s' before 'anicca apply'",
		old.Path, old.Source, old.Source, e.Source())
}

func (m *maker) declared(p string) bool {
	return slices.ContainsFunc(m.host.Stores, func(s decl.Store) bool {
		return slices.ContainsFunc(s.Entries, func(e decl.Entry) bool { return e.Path == p })
	})
}
