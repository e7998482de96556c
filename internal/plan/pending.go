package plan

import (
	"path"
	"strings"
)

// pending notes what is in place in this session and not declared any more: the next boot does without it.
func (m *maker) pending(stores []BootStore, entries []Step) {
	seen := map[string]bool{} // entries, and what has been noted
	for _, s := range m.host.Stores {
		for _, e := range s.Entries {
			seen[e.Path] = true
		}
	}
	for _, e := range entries {
		seen[e.Path] = true // it may be left as it is recorded
	}
	for _, at := range m.facts.Mounts {
		p := at.Target
		if seen[p] {
			continue
		}
		for _, s := range stores {
			if p != s.Path && !strings.HasPrefix(p, s.Path+"/") && m.mounts.Shows(path.Join(s.Path, p), p) {
				seen[p] = true
				m.plan.Pending = append(m.plan.Pending, Note{
					Path: p,
					Msg:  "is not declared any more, and stays in place until the next boot; 'anicca forget " + p + "' takes it away if no program uses it",
				})
				break
			}
		}
	}
}
