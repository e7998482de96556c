package plan

import (
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
)

// pending notes what is in place in this session and not declared any more: the next boot does without it.
func (m *maker) pending(stores []BootStore) {
	var entries []decl.Entry
	for _, s := range m.host.Stores {
		entries = append(entries, s.Entries...)
	}
	for _, at := range m.facts.Mounts {
		p := at.Target
		if slices.ContainsFunc(entries, func(e decl.Entry) bool { return e.Path == p }) ||
			slices.ContainsFunc(m.plan.Pending, func(n Note) bool { return n.Path == p }) {
			continue
		}
		for _, s := range stores {
			if p != s.Path && !strings.HasPrefix(p, s.Path+"/") && m.facts.Mounts.Shows(path.Join(s.Path, p), p) {
				m.plan.Pending = append(m.plan.Pending, Note{
					Path: p,
					Msg:  "is not declared any more, and stays in place until the next boot; 'anicca forget " + p + "' takes it away if no program uses it",
				})
			}
		}
	}
}
