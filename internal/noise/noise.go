// Package noise tells what is not worth a word in a review from what is.
package noise

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"anicca/internal/decl"
)

// Check says what is wrong with a pattern, in words for whoever wrote it.
func Check(pattern string) error {
	rest, home := strings.CutPrefix(pattern, "~")
	switch {
	case !home && !path.IsAbs(pattern):
		return errors.New("is not an absolute path: begin it with / or ~/")
	case home && !path.IsAbs(rest):
		return errors.New("begins with ~, which is the home of any person: ~/ must follow")
	case !doublestar.ValidatePattern(pattern):
		return errors.New("is no pattern: a [ or { has no end")
	case path.Clean(rest) != rest:
		return fmt.Errorf("is not clean: write %s", strings.Repeat("~", len(pattern)-len(rest))+path.Clean(rest))
	case rest == "/" || rest == "/*" || rest == "/**":
		return errors.New("is everything: nothing would be left to review")
	}
	return nil
}

// Sieve finds noise.
type Sieve struct {
	exact    map[string]decl.Noise      // patterns without a wildcard
	places   map[string]map[string]bool // the same, by directory and name
	patterns []pattern
}

type pattern struct {
	full   string
	prefix string // every path that matches begins with it
	last   string // as path.Match takes it: the name of every path that matches; empty if that is not known
	noise  decl.Noise
}

// New returns a sieve of patterns that [Check] has nothing against. The homes are directories.
func New(list []decl.Noise, homes []string) *Sieve {
	s := &Sieve{exact: map[string]decl.Noise{}, places: map[string]map[string]bool{}}
	for _, n := range list {
		all := []string{n.Pattern}
		if rest, ok := strings.CutPrefix(n.Pattern, "~"); ok {
			all = nil
			for _, h := range homes {
				all = append(all, Quote(strings.TrimSuffix(h, "/"))+rest)
			}
		}
		for _, p := range all {
			i := strings.IndexAny(p, `*?[{\`)
			if i < 0 {
				if _, twice := s.exact[p]; !twice {
					s.exact[p] = n
					s.place(p)
				}
				continue
			}
			s.patterns = append(s.patterns, pattern{full: p, prefix: p[:i], last: lastName(p), noise: n})
		}
	}
	return s
}

// Quote returns the pattern that only the path p matches.
func Quote(p string) string {
	var b strings.Builder
	for _, r := range p {
		if strings.ContainsRune(`*?[]{}\`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Find returns what makes the clean absolute path p noise: the pattern that it, or the highest directory above it, matches.
func (s *Sieve) Find(p string) (decl.Noise, bool) {
	near := slices.DeleteFunc(slices.Clone(s.patterns), func(q pattern) bool { return !strings.HasPrefix(p, q.prefix) })
	for end := 1; end <= len(p); end++ {
		if end < len(p) && p[end] != '/' {
			continue
		}
		if n, ok := s.exact[p[:end]]; ok {
			return n, true
		}
		for _, q := range near {
			if ok, _ := doublestar.Match(q.full, p[:end]); ok {
				return q.noise, true
			}
		}
	}
	return decl.Noise{}, false
}
