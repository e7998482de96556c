package changes

import (
	"anicca/internal/review"
	"anicca/internal/sys"
)

// whole tells a change that is about an object with all below it, and what stands apart from it. A directory that only leads to such is not told.
func (f *finder) whole(v view, n node, at string, what review.What) error {
	c := describe(at, what, n.Stat)
	if what == review.Modified {
		c.Differs = review.Type
	}
	var inside func(string) func(string) bool
	if f.Apart != nil && what != review.Deleted && n.IsDir() {
		inside = f.Apart(at)
	}
	stays, err := f.count(v, n, at, &c, inside)
	if stays || what == review.Modified {
		f.found = append(f.found, c)
	}
	return err
}

// count adds an object with all below it to a change, but for what stands apart. It reports whether anything was added, or could have been: an empty
// directory is something.
func (f *finder) count(v view, n node, at string, c *review.Change, inside func(string) func(string) bool) (bool, error) {
	if !n.IsDir() {
		c.Stamp += n.Ctim.Nano() // not the newest: that may be one from when the clock was ahead
		if t := seconds(n.Stat); c.Files == 0 || t > c.Modified {
			c.Modified = t
		}
		c.Files++
		c.Size += n.Size
		return true, nil
	}
	sub, err := v.open(n)
	if sys.IsCrowded(err) { // whoever owns a directory can go deeper than there are descriptors: what lies there is told, though not how much
		return true, nil
	}
	if err != nil {
		return true, gone(err)
	}
	defer sub.close()
	apart := func(string) bool { return false }
	if inside != nil {
		apart = inside(at)
	}
	var left, out bool
	err = sub.each(func(n node) (err error) {
		f.saw(1)
		p, stays := join(at, n.Name), false
		switch {
		case f.passes(p), n.foreign:
			return nil
		case apart(n.Name):
			err = f.whole(sub, n, p, review.Added)
		default:
			stays, err = f.count(sub, n, p, c, inside)
		}
		left, out = left || stays, out || !stays
		return err
	})
	if err != nil {
		return true, gone(err)
	}
	return left || !out, nil
}
