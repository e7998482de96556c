package changes

import (
	"path"
	"sync/atomic"
)

// Look says what is looked for. The zero value passes over nothing, and tells all that came as a whole as one change.
type Look struct {
	// Skip reports whether a path of the root is passed over with all below it: it is kept, or nobody would miss it.
	Skip func(p string) bool
	// Apart says what of a directory that was added as a whole is a change of its own, see [review.Apart].
	Apart func(top string) func(dir string) func(name string) bool
	// Known is what is remembered of the base from one walk to the next; nil if nothing is.
	Known *Known
	// Seen counts the objects that were looked at while it goes on; it may be nil.
	Seen *atomic.Int64

	under string // where the tree lies in the root
}

func (l Look) skips(p string) bool { return l.Skip != nil && l.Skip(p) }

// below is the same look at a tree that lies at a path of the root.
func (l Look) below(at string) Look {
	in := l
	in.under = path.Join(l.under, at)
	in.Skip = func(p string) bool { return l.skips(path.Join(at, p)) }
	if l.Apart != nil {
		in.Apart = func(top string) func(string) func(string) bool {
			inside := l.Apart(path.Join(at, top))
			if inside == nil {
				return nil
			}
			return func(dir string) func(string) bool { return inside(path.Join(at, dir)) }
		}
	}
	return in
}

func (l Look) saw(objects int) {
	if l.Seen != nil {
		l.Seen.Add(int64(objects))
	}
}
