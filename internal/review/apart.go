package review

import (
	"path"
	"strings"

	"anicca/internal/noise"
)

// Apart says what of a directory that is new as a whole would be missed for itself, or not at all, and so is a change of its own: noise, what a
// preset would keep, what is worth something else than the directory, such as a key or a cache, and all that lies in a directory that holds
// the matters of many, such as a home.
//
// It is called with the clean absolute path of the directory; then, for each directory in it that belongs to it, with the path of that; and then with each name
// there. It is asked of many thousand names, so it weighs only those that can differ. It returns nil where all of a directory belongs together.
func Apart(s *Scale, sieve *noise.Sieve) func(top string) func(dir string) func(name string) bool {
	m := newMarks(s)
	return func(top string) func(string) func(string) bool {
		if _, ok := sieve.Find(top); ok {
			return nil
		}
		whole := s.Weigh(top)
		return func(dir string) func(string) bool {
			if s.shared(dir) {
				return func(string) bool { return true }
			}
			silent, here := sieve.In(dir), m.places[dir]
			return func(name string) bool {
				switch {
				case silent(name):
					return true
				case !here[name] && !m.stands(name):
					return false
				}
				f := s.Weigh(path.Join(dir, name))
				return f.Worth != whole.Worth || f.Entry != whole.Entry || f.Home != whole.Home
			}
		}
	}
}

// marks tell quickly which paths have to be weighed.
type marks struct {
	places   map[string]map[string]bool // by directory: entries of presets, and homes
	names    map[string]bool
	suffixes map[string]bool // of the kind .key
	parts    []string        // of a name
	globs    []string
}

func newMarks(s *Scale) *marks {
	m := &marks{places: map[string]map[string]bool{}, names: map[string]bool{}, suffixes: map[string]bool{}}
	for p := range s.known {
		m.place(p)
	}
	for _, u := range s.people {
		m.place(u.Home)
	}
	for _, d := range secretDirs {
		m.names[path.Base(d)] = true
	}
	for _, n := range caches {
		m.names[n] = true
	}
	const wild = `*?[\`
	for _, n := range secretNames {
		switch inner := strings.Trim(n, "*"); {
		case !strings.ContainsAny(n, wild):
			m.names[n] = true
		case n == "*"+path.Ext(n) && !strings.ContainsAny(path.Ext(n), wild):
			m.suffixes[path.Ext(n)] = true
		case n == "*"+inner+"*" && !strings.ContainsAny(inner, wild):
			m.parts = append(m.parts, inner)
		default:
			m.globs = append(m.globs, n)
		}
	}
	return m
}

func (m *marks) place(p string) {
	dir, name := path.Split(p)
	dir = path.Clean(dir)
	if m.places[dir] == nil {
		m.places[dir] = map[string]bool{}
	}
	m.places[dir][name] = true
}

// stands reports whether a thing of that name may be worth something else than what lies around it.
func (m *marks) stands(name string) bool {
	if m.names[name] || m.suffixes[path.Ext(name)] || m.names[strings.ToLower(name)] {
		return true
	}
	for _, p := range m.parts {
		if strings.Contains(name, p) {
			return true
		}
	}
	for _, g := range m.globs {
		if ok, _ := path.Match(g, name); ok {
			return true
		}
	}
	return false
}
