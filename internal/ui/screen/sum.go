package screen

import (
	"slices"

	"anicca/internal/review"
)

// amount is so many files with so many bytes.
type amount struct {
	files int
	size  int64
}

func (a *amount) add(files int, size int64) { a.files, a.size = a.files+files, a.size+size }

// sum is what becomes of everything in a review.
type sum struct {
	all, left             amount // left is what nothing was decided about
	kept, undone, ignored amount
}

func (s *sum) of(w What) *amount {
	switch w {
	case Keep:
		return &s.kept
	case Undo:
		return &s.undone
	}
	return &s.ignored
}

// sum adds up what becomes of changes.
func (c *choices) sum(items []review.Item) sum {
	var s sum
	for _, i := range items {
		for _, x := range i.Changes {
			s.all.add(x.Files, x.Size)
			at := &s.left
			if o := c.over(x.Path); o != nil {
				at = s.of(o.What)
			} else if _, ok := c.sieve.Find(x.Path); ok {
				at = &s.ignored
			}
			at.add(x.Files, x.Size)
		}
	}
	for _, x := range c.all { // about a part of what is one change
		in := x.row.whole
		if in == "" || !slices.Contains(x.paths, x.row.path) {
			continue
		}
		if _, ok := c.sieve.Find(in); !ok {
			s.left.add(-x.row.files, -x.row.size)
			s.of(x.What).add(x.row.files, x.row.size)
		}
	}
	return s
}
