package noise

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

func (s *Sieve) place(p string) {
	dir, name := path.Split(p)
	dir = path.Clean(dir)
	if s.places[dir] == nil {
		s.places[dir] = map[string]bool{}
	}
	s.places[dir][name] = true
}

// lastName is the last part of a pattern, if that stands for one name and is the same to path.Match.
func lastName(p string) string {
	last := p[strings.LastIndexByte(p, '/')+1:]
	if strings.ContainsAny(p, `{[\`) || strings.Contains(last, "**") {
		return ""
	}
	return last
}

// In returns what tells which names in a directory are noise, of which itself is none. It is for directories with many of them: what cannot match
// there is left out beforehand.
func (s *Sieve) In(dir string) func(name string) bool {
	at := strings.TrimSuffix(dir, "/") + "/"
	exact := s.places[dir]
	var near []pattern
	for _, q := range s.patterns {
		if strings.HasPrefix(at, q.prefix) || strings.HasPrefix(q.prefix, at) && !strings.Contains(q.prefix[len(at):], "/") {
			near = append(near, q)
		}
	}
	return func(name string) bool {
		if exact[name] {
			return true
		}
		for i := range near {
			q := &near[i]
			if q.last != "" {
				if ok, _ := path.Match(q.last, name); !ok {
					continue
				}
			}
			if ok, _ := doublestar.Match(q.full, at+name); ok {
				return true
			}
		}
		return false
	}
}
