package screen

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/review"
)

// choice is a decision with what it reaches.
type choice struct {
	Decision
	paths []string // each with all that lies below it; none of a pattern
	row   row      // that it was made on
}

// choices are the decisions so far. No path of one lies below a path of another.
type choices struct {
	all   []*choice
	at    map[string]*choice // by each of its paths
	under map[string]int     // of a directory: how many paths of choices lie in it
	homes []string
	sieve *noise.Sieve // of the patterns
}

func newChoices(homes []string) choices {
	return choices{at: map[string]*choice{}, under: map[string]int{}, homes: homes, sieve: noise.New(nil, nil)}
}

// over returns the choice that reaches p, as it is about p or a directory above it; nil if none does.
func (c *choices) over(p string) *choice {
	for ; ; p = path.Dir(p) {
		if x := c.at[p]; x != nil || p == "/" {
			return x
		}
	}
}

// within returns the choices about what lies below p.
func (c *choices) within(p string) []*choice {
	if c.under[p] == 0 {
		return nil
	}
	var out []*choice
	for _, x := range c.all {
		if slices.ContainsFunc(x.paths, func(q string) bool { return below(q, p) }) {
			out = append(out, x)
		}
	}
	return out
}

// ignoring returns the patterns that make p noise.
func (c *choices) ignoring(p string) []*choice {
	var out []*choice
	for _, x := range c.all {
		if x.What == Ignore && matches(x.Pattern, c.homes, p) {
			out = append(out, x)
		}
	}
	return out
}

// word says what becomes of p, in the terms of a list.
func (c *choices) word(p string) string {
	if x := c.over(p); x != nil {
		return x.word()
	}
	if _, ok := c.sieve.Find(p); ok {
		return string(Ignore)
	}
	if c.under[p] > 0 {
		return "part"
	}
	return ""
}

// wordOf is word for a row: what belongs to packages has none of its own.
func (c *choices) wordOf(r *row) string {
	if r.title == "" {
		return c.word(r.path)
	}
	if slices.ContainsFunc(r.changes, func(x review.Change) bool { return c.word(x.Path) != "" }) {
		return "part"
	}
	return ""
}

func (x *choice) word() string {
	if x.Use.Preset != "" {
		return "preset"
	}
	return string(x.What)
}

// add makes a choice. Those about what lies below it, or about the very same, make room; one about a directory above refuses it.
func (c *choices) add(x *choice) (replaced int, err error) {
	var old []*choice
	for _, p := range x.paths {
		o := c.over(p)
		if o != nil && !slices.Contains(o.paths, p) {
			return 0, fmt.Errorf("it lies in %s, of which you said %s: n takes that back", above(o, p), o.word())
		}
		if o != nil {
			old = append(old, o)
		}
		old = append(old, c.within(p)...)
	}
	if x.What == Ignore {
		old = c.same(x.Pattern)
	}
	for _, o := range old {
		if c.remove(o) && !slices.Contains(o.paths, x.row.path) {
			replaced++
		}
	}
	c.all = append(c.all, x)
	c.mark(x, 1)
	return replaced, nil
}

func (c *choices) same(pattern string) []*choice {
	return slices.DeleteFunc(slices.Clone(c.all), func(x *choice) bool { return x.Pattern != pattern })
}

// above returns the path of a choice that p lies in.
func above(x *choice, p string) string {
	for _, q := range x.paths {
		if below(p, q) {
			return q
		}
	}
	return p
}

// remove takes a choice back, if it is there.
func (c *choices) remove(x *choice) bool {
	i := slices.Index(c.all, x)
	if i < 0 {
		return false
	}
	c.all = slices.Delete(c.all, i, i+1)
	c.mark(x, -1)
	return true
}

// mark notes where a choice is found that came (1) or went (-1).
func (c *choices) mark(x *choice, n int) {
	for _, p := range x.paths {
		if c.at[p] = x; n < 0 {
			delete(c.at, p)
		}
		for p != "/" {
			p = path.Dir(p)
			c.under[p] += n
		}
	}
	if x.What != Ignore {
		return
	}
	var patterns []decl.Noise
	for _, x := range c.all {
		if x.What == Ignore {
			patterns = append(patterns, decl.Noise{Pattern: x.Pattern})
		}
	}
	c.sieve = noise.New(patterns, c.homes)
}

// decisions returns what was decided, in the order in which it is carried out.
func (c *choices) decisions() []Decision {
	order := []What{Keep, Ignore, Undo}
	out := make([]Decision, 0, len(c.all))
	for _, x := range c.all {
		out = append(out, x.Decision)
	}
	slices.SortStableFunc(out, func(a, b Decision) int {
		return cmp.Or(slices.Index(order, a.What)-slices.Index(order, b.What), strings.Compare(a.Use.Preset, b.Use.Preset),
			review.Compare(a.Path, b.Path), strings.Compare(a.Pattern, b.Pattern))
	})
	return out
}

// below reports whether p lies in the directory dir.
func below(p, dir string) bool {
	return len(p) > len(dir) && strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

func matches(pattern string, homes []string, p string) bool {
	_, ok := noise.New([]decl.Noise{{Pattern: pattern}}, homes).Find(p)
	return ok
}
