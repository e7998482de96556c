package config

import (
	"fmt"
	"path"
	"slices"

	"anicca/internal/decl"
)

// overlaps reports entries that are given twice, or that lie in a kept directory of the same store.
// What a preset brings and the user keeps otherwise is dropped silently.
func (h *hoster) overlaps() {
	h.behindLinks()
	first := map[string]decl.Entry{}
	for i := range h.host.Stores {
		s := &h.host.Stores[i]
		dirs := map[string]decl.Entry{}
		for _, e := range s.Entries {
			if e.Kind == decl.Directory {
				dirs[e.Path] = e
			}
		}
		s.Entries = slices.DeleteFunc(s.Entries, func(e decl.Entry) bool {
			if other, twice := first[e.Path]; twice {
				if e.Preset == "" && other.Preset == "" {
					h.twice(other, e)
				}
				return e.Preset != ""
			}
			for up := path.Dir(e.Path); up != "/" && up != "."; up = path.Dir(up) {
				d, ok := dirs[up]
				if !ok {
					continue
				}
				if e.Preset == "" {
					h.nested(d, e)
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
	h.problems = append(h.problems, decl.Problem{
		Pos: inner.Pos, Also: []decl.Pos{outer.Pos}, Path: inner.Path,
		Msg:  fmt.Sprintf("%s lies in %s, which is kept whole", inner.Path, outer.Path),
		Hint: "remove one of them",
	})
}

func kindOf(e decl.Entry) string {
	if e.Home != "" {
		return fmt.Sprintf("%s of the home of %s", e.Kind, e.Home)
	}
	return string(e.Kind)
}
