package review

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Group is one line of a review: a change, or all that were made in one directory.
type Group struct {
	Path     string `json:"path"` // of the change, or of the directory, which then ends in a slash
	Class    Class  `json:"class"`
	Added    int    `json:"added,omitempty"` // changes, of which each can be a whole directory
	Modified int    `json:"modified,omitempty"`
	Deleted  int    `json:"deleted,omitempty"`
	Files    int    `json:"files"`
	Size     int64  `json:"size"`
	Newest   int64  `json:"newest"` // when the newest of them was changed last, in seconds since 1970
}

// together is how many lines of one directory become one line.
const together = 4

// Review is what the next reset would drop, worst first.
type Review struct {
	Base    int      `json:"base"`
	Files   int      `json:"files"`
	Size    int64    `json:"size"`
	Groups  []Group  `json:"groups"`
	Changes []Change `json:"changes"`
}

// Value reports whether anything would be missed: more than what is made again by itself.
func (r Review) Value() bool {
	return slices.ContainsFunc(r.Groups, func(g Group) bool { return g.Class != Cache })
}

// Make puts changes in groups and in order. The kept paths are where something is put in place at boot: a directory that was made only
// to lead there is no change.
func Make(base int, all []Change, kept []string) Review {
	r := Review{Base: base}
	for _, c := range all {
		if c.What == Added && c.Kind == Directory && c.Files == 0 && leadsTo(c.Path, kept) {
			continue
		}
		r.Changes = append(r.Changes, c)
		r.Files += c.Files
		r.Size += c.Size
		r.Groups = append(r.Groups, single(c))
	}
	r.Groups = join(r.Groups)
	slices.SortStableFunc(r.Groups, func(a, b Group) int {
		return cmp.Or(
			cmp.Compare(slices.Index(Classes, a.Class), slices.Index(Classes, b.Class)),
			cmp.Compare(b.Size, a.Size), Compare(a.Path, b.Path))
	})
	return r
}

func leadsTo(p string, kept []string) bool {
	return slices.ContainsFunc(kept, func(k string) bool { return strings.HasPrefix(k, p+"/") })
}

func single(c Change) Group {
	g := Group{Path: c.Path, Class: ClassOf(c.Path), Files: c.Files, Size: c.Size, Newest: c.Modified}
	switch c.What {
	case Added:
		g.Added = 1
	case Modified:
		g.Modified = 1
	case Deleted:
		g.Deleted = 1
	}
	return g
}

// join lets directories with many lines be one line, from below, though never one at the top.
func join(all []Group) []Group {
	type place struct {
		dir   string
		class Class
	}
	for {
		lines := map[place]int{}
		at := func(g Group) place { return place{path.Dir(strings.TrimSuffix(g.Path, "/")), g.Class} }
		for _, g := range all {
			lines[at(g)]++
		}
		var out []Group
		index := map[place]int{}
		for _, g := range all {
			p := at(g)
			if lines[p] < together || strings.Count(p.dir, "/") < 2 {
				out = append(out, g)
				continue
			}
			i, ok := index[p]
			if !ok {
				i = len(out)
				index[p] = i
				out = append(out, Group{Path: p.dir + "/", Class: p.class})
			}
			out[i].add(g)
		}
		if len(out) == len(all) {
			return out
		}
		all = out
	}
}

func (g *Group) add(o Group) {
	g.Added += o.Added
	g.Modified += o.Modified
	g.Deleted += o.Deleted
	g.Files += o.Files
	g.Size += o.Size
	g.Newest = max(g.Newest, o.Newest)
}
