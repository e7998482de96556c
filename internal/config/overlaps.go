package config

import (
	"fmt"
	"path"
	"slices"

	"anicca/internal/decl"
)

// overlaps reports entries that are given twice, or that lie in a kept directory of the same store. In one of another store,
// what is mounted is put on top of it; a carried file is not, and so would be kept by both.
// What a preset brings and the user keeps otherwise is dropped silently.
func (h *hoster) overlaps() {
	h.behindLinks()
	first := map[string]decl.Entry{}
	dirs := map[string][]decl.Entry{}
	for _, s := range h.host.Stores {
		for _, e := range s.Entries {
			if e.Kind == decl.Directory {
				dirs[e.Path] = append(dirs[e.Path], e)
			}
		}
	}
	for i := range h.host.Stores {
		s := &h.host.Stores[i]
		s.Entries = slices.DeleteFunc(s.Entries, func(e decl.Entry) bool {
			if other, twice := first[e.Path]; twice {
				if e.Preset == "" && other.Preset == "" {
					h.twice(other, e)
				}
				return e.Preset != ""
			}
			carried := e.Method == decl.Carry
			for up := path.Dir(e.Path); up != "/" && up != "."; up = path.Dir(up) {
				i := slices.IndexFunc(dirs[up], func(d decl.Entry) bool { return d.Store == s.Path || carried })
				if i < 0 {
					continue
				}
				if e.Preset == "" {
					h.nested(dirs[up][i], e)
				}
				return e.Preset != ""
			}
			first[e.Path] = e
			return false
		})
	}
}

// behindLinks reports entries that lie in a directory which another store keeps by a link: nothing is mounted or made behind links.
func (h *hoster) behindLinks() {
	links := map[string]decl.Entry{}
	for _, s := range h.host.Stores {
		for _, e := range s.Entries {
			if e.Kind == decl.Directory && e.Method == decl.Symlink {
				links[e.Path] = e
			}
		}
	}
	for _, s := range h.host.Stores {
		for _, e := range s.Entries {
			for up := path.Dir(e.Path); up != "/" && up != "."; up = path.Dir(up) {
				if l, ok := links[up]; ok && l.Store != e.Store {
					h.problems = append(h.problems, decl.Problem{
						Pos: e.Pos, Also: []decl.Pos{l.Pos}, Path: e.Path,
						Msg:  fmt.Sprintf("%s lies in %s, which is kept by a link into %s", e.Path, l.Path, l.Store),
						Hint: `keep that by method: "bind"`,
					})
				}
			}
		}
	}
}

func (h *hoster) twice(a, b decl.Entry) {
	pos := sortPlaces([]decl.Pos{a.Pos, b.Pos})
	msg := fmt.Sprintf("%s is given twice, in the stores %s and %s", a.Path, a.Store, b.Store)
	if a.Store == b.Store {
		msg = fmt.Sprintf("%s is given twice: as a %s and as a %s", a.Path, kindOf(a), kindOf(b))
	}
	h.problems = append(h.problems, decl.Problem{Pos: pos[0], Also: pos[1:], Path: a.Path, Msg: msg, Hint: "keep one of them"})
}

func (h *hoster) nested(outer, inner decl.Entry) {
	p := decl.Problem{
		Pos: inner.Pos, Also: []decl.Pos{outer.Pos}, Path: inner.Path,
		Msg:  fmt.Sprintf("%s lies in %s, which is kept whole", inner.Path, outer.Path),
		Hint: "remove one of them",
	}
	if outer.Store != inner.Store {
		p.Msg += " in the store " + outer.Store
		p.Hint += `; or write method: "bind" beside the file, to have it in the store ` + inner.Store
	}
	h.problems = append(h.problems, p)
}

// hidden reports what would be mounted over something that has to be seen: a store in another, whose kept copies may lie there,
// and what is reset beside what is kept.
func (h *hoster) hidden() {
	say := func(pos decl.Pos, also decl.Pos, p, hint, format string, args ...any) {
		h.problems = append(h.problems, decl.Problem{Pos: pos, Also: []decl.Pos{also}, Path: p, Msg: p + ": " + fmt.Sprintf(format, args...), Hint: hint})
	}
	for _, s := range h.host.Stores {
		for _, other := range h.host.Stores {
			if s.Path != other.Path && within(s.Path, other.Path) {
				say(s.Pos, other.Pos, s.Path, "mount it elsewhere",
					"the store lies inside the store %s, where the kept copy of %s would lie", other.Path, s.Path[len(other.Path):])
			}
		}
		for _, v := range h.host.Root.Volumes {
			if v.Path != s.Path && within(v.Path, s.Path) { // package plan knows about the store itself
				say(v.Pos, s.Pos, v.Path, "leave it out of root.volumes", "lies inside the store %s, which is never reset", s.Path)
			}
			for _, e := range s.Entries {
				switch {
				case e.Path == v.Path:
					say(e.Pos, v.Pos, e.Path, "remove it here or there", "is kept, and in root.volumes it is reset at every boot")
				case e.Kind == decl.Directory && within(v.Path, e.Path):
					say(e.Pos, v.Pos, e.Path, "name what is worth keeping in it, or leave "+v.Path+" out of root.volumes",
						"the volume %s, which is reset with the root, lies inside it and would be hidden", v.Path)
				}
			}
		}
	}
}

func kindOf(e decl.Entry) string {
	if e.Home != "" {
		return fmt.Sprintf("%s of the home of %s", e.Kind, e.Home)
	}
	return string(e.Kind)
}
