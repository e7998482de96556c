// Package report thinks about who is told how much of value the next reset would drop. It reads no disk and tells nobody;
// package tell does.
package report

import (
	"slices"

	"anicca/internal/review"
)

// Count is how much there is of something.
type Count struct {
	Files int   `json:"files"`
	Size  int64 `json:"size"` // in bytes
}

func (c *Count) add(d Count) { c.Files += d.Files; c.Size += d.Size }

// Counts are by the words of what it is worth. What was only deleted is not counted: nothing of that goes.
type Counts map[string]Count

// Value is how much of it somebody would miss.
func (c Counts) Value() (sum Count) {
	for _, w := range Worths() {
		if w.Valued() {
			sum.add(c[w.String()])
		}
	}
	return sum
}

// Worths are from what is missed most to what is not missed.
func Worths() []review.Worth {
	var out []review.Worth
	for w := review.Credentials; w <= review.Cache; w++ {
		out = append(out, w)
	}
	return out
}

// Report is how much the next reset would drop. It names no path.
type Report struct {
	When   int64             `json:"when"`          // in seconds since 1970
	Took   float64           `json:"took"`          // how long the look was, in seconds
	Base   int               `json:"base"`          // that the root was compared with
	Goes   bool              `json:"goes"`          // the next boot resets the root
	Why    string            `json:"why,omitempty"` // if it does not
	Counts Counts            `json:"counts"`        // of all
	People map[string]Person `json:"people"`        // by name
}

// Person is what one person is told of.
type Person struct {
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Admin  bool   `json:"admin,omitempty"` // may keep things, and is told of all; others of their own home only
	Counts Counts `json:"counts"`
	News   int    `json:"news"` // grows whenever something of value is there that was not before
}

// Format is the version of [State]: it grows when an older program would take one for something else.
const Format = 1

// State is a report with what it was made from, for whoever may see all of it.
type State struct {
	Format int `json:"format"`
	Report
	Valued map[string][]string `json:"valued"` // paths of value, by person
}

// Make counts what is in a review, and compares with the state before, nil if there was none in this session.
// Of people, it takes who they are.
func Make(r review.Review, people map[string]Person, before *State) State {
	s := State{Format, Report{Base: r.Base, Counts: Counts{}, People: map[string]Person{}}, map[string][]string{}}
	for name, p := range people {
		p.Counts, p.News = Counts{}, 0
		s.People[name] = p
	}
	for _, i := range r.Items {
		c := Count{i.Added + i.Modified, i.Size}
		s.Counts.add(i, c)
		for name, p := range s.People {
			if !p.Admin && i.Home != name {
				continue
			}
			p.Counts.add(i, c)
			if i.Worth.Valued() && c.Files > 0 {
				s.Valued[name] = append(s.Valued[name], paths(i)...)
			}
		}
	}
	for name, p := range s.People {
		slices.Sort(s.Valued[name])
		old := []string(nil)
		if before != nil {
			p.News, old = before.People[name].News, before.Valued[name]
		}
		if slices.ContainsFunc(s.Valued[name], func(at string) bool { _, had := slices.BinarySearch(old, at); return !had }) {
			p.News++
		}
		s.People[name] = p
	}
	return s
}

func (c Counts) add(i review.Item, more Count) {
	sum := c[i.Worth.String()]
	sum.add(more)
	c[i.Worth.String()] = sum
}

func paths(i review.Item) []string {
	var out []string
	for _, c := range i.Changes {
		if c.What != review.Deleted {
			out = append(out, c.Path)
		}
	}
	return out
}

// Quick is how many seconds a look may take without being thought over.
const Quick = 2

// rest is how much longer than a look that is not quick the pause after it has to be.
const rest = 100

// Due reports whether it is time for the next look: one that takes long, as where both trees are walked, is taken less often.
func (r Report) Due(now int64) bool {
	return r.Took <= Quick || now < r.When || float64(now-r.When) >= rest*r.Took
}

// Same reports whether two reports say the same, but for when.
func (r Report) Same(o Report) bool {
	if r.Goes != o.Goes || r.Why != o.Why || r.Base != o.Base {
		return false
	}
	for _, w := range Worths() {
		if r.Counts[w.String()] != o.Counts[w.String()] {
			return false
		}
	}
	return true
}
