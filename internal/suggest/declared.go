package suggest

import (
	"path"
	"slices"

	"anicca/internal/decl"
)

// named reports whether the declaration says anything of a preset, for the system or for a user's home.
func (t *thinker) named(preset, home string) bool {
	return slices.ContainsFunc(t.stores(), func(s decl.Store) bool {
		return slices.ContainsFunc(s.Use, func(u decl.Use) bool { return u.Preset == preset && u.Home == home })
	})
}

// wanted reports whether there is room for a proposal that keeps some paths: one of them at least is neither kept nor
// switched off nor on a filesystem that nobody resets, and nothing that a user has declared lies in one of them, as that
// would be kept twice.
func (t *thinker) wanted(paths []string) bool {
	open := false
	for _, p := range paths {
		said := slices.ContainsFunc(t.kept, func(k string) bool { return within(p, k) })
		for _, s := range t.stores() {
			said = said || slices.Contains(s.Off, p) || within(p, s.Path) || within(s.Path, p)
			for _, e := range s.Entries {
				if e.Preset == "" && e.Path != p && within(e.Path, p) {
					return false
				}
				said = said || e.Path == p || e.Kind == decl.Directory && within(p, e.Path)
			}
		}
		open = open || !said && !t.apart(p)
	}
	return open
}

// apart reports whether a path lies on a filesystem that is not reset, so that it stays as it is.
func (t *thinker) apart(p string) bool {
	at := t.m.Mount(p)
	if at == "/" || t.host != nil && slices.ContainsFunc(t.host.Root.Volumes, func(v decl.Volume) bool { return v.Path == at }) {
		return false
	}
	if slices.ContainsFunc(t.stores(), func(s decl.Store) bool { return t.m.Shows(path.Join(s.Path, at), at) }) {
		return false // the kept copy of what is not declared any more
	}
	t.report.Apart = append(t.report.Apart, at)
	return true
}

func (t *thinker) stores() []decl.Store {
	if t.host == nil {
		return nil
	}
	return t.host.Stores
}
