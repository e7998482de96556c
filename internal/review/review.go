package review

import (
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/noise"
)

// Review is what the next reset would drop, the most valued first.
type Review struct {
	Base  int      `json:"base"`
	Files int      `json:"files"`
	Size  int64    `json:"size"` // in bytes
	Items []Item   `json:"items"`
	Noise []Hidden `json:"noise"` // what is not worth a word, and not counted

	Since int64  `json:"since,omitempty"` // when what was there already was noted, in seconds since 1970: it is left out
	Home  string `json:"home,omitempty"`  // all of it is about this home only, and knows nothing of what was deleted
	Kept  string `json:"kept,omitempty"`  // what holds all of it and is not dropped
}

// Hidden is a change that is noise, with what says so.
type Hidden struct {
	Change
	Noise decl.Noise `json:"noise"`
}

// Make puts sorted changes together and in order. The kept paths are where something is put in place at boot: a directory that was
// made only to lead there is no change.
func Make(base int, all []Change, kept []string, s *Scale, sieve *noise.Sieve) Review {
	r := Review{Base: base, Items: []Item{}, Noise: []Hidden{}}
	var loud []Change
	for _, c := range all {
		if c.What == Added && c.Kind == Directory && c.Files == 0 && leadsTo(c.Path, kept) {
			continue
		}
		if n, ok := sieve.Find(c.Path); ok {
			r.Noise = append(r.Noise, Hidden{c, n})
			continue
		}
		loud = append(loud, c)
		r.Files += c.Files
		r.Size += c.Size
	}
	r.Items = append(r.Items, s.Group(loud)...)
	return r
}

// Changes returns those that are in the report, sorted by path.
func (r Review) Changes() []Change {
	var out []Change
	for _, i := range r.Items {
		out = append(out, i.Changes...)
	}
	Sort(out)
	return out
}

// Value reports whether anything would be missed: more than what is made again by itself.
func (r Review) Value() bool {
	return slices.ContainsFunc(r.Items, func(i Item) bool { return i.Worth != Cache })
}

func leadsTo(p string, kept []string) bool {
	return slices.ContainsFunc(kept, func(k string) bool { return strings.HasPrefix(k, p+"/") })
}
