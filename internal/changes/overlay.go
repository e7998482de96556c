package changes

import (
	"errors"
	"io/fs"
	"path"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// Overlay finds the changes between a base and a root that is an overlay over it, by the upper directory alone: whatever is not there is as
// the base has it. Both are looked at where nothing is mounted over them. What is the same is told as in [Walk].
func Overlay(base, upper *sys.Tree, look Look) ([]review.Change, error) {
	low, err := viewOf(base)
	if err != nil {
		return nil, err
	}
	up, err := viewOf(upper)
	if err != nil {
		return nil, err
	}
	o := overlay{finder: finder{Look: look, same: sameFile}, base: low}
	if err := o.selves(low, up); err != nil {
		return nil, err
	}
	err = o.dir(low, up, "/")
	return o.sorted(), err
}

type overlay struct {
	finder
	base plain
}

// dir compares a directory of the base with what an upper directory makes of it.
func (o *overlay) dir(low, up plain, at string) error {
	all, err := up.nodes()
	if err != nil {
		return gone(err)
	}
	here := merged{up: up, low: &low, base: o.base}
	for _, n := range all {
		if p := path.Join(at, n.Name); !o.passes(p) {
			if err := gone(o.entry(low, here, n, p)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *overlay) entry(low plain, here merged, n node, at string) error {
	was, err := low.entry(n.Name)
	had := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := n.whiteout()
	switch {
	case err != nil:
		return err
	case out && had:
		return o.whole(low, was, at, review.Deleted)
	case out:
		return nil
	case !had:
		return o.whole(here, n, at, review.Added)
	case !n.IsDir() || !was.IsDir():
		return o.pair(low, was, here, n, at)
	}
	if err := n.marks(); err != nil {
		return err
	}
	_, hidden := n.mark(opaque)
	_, moved := n.mark(redirect)
	if hidden || moved { // something else than what the base has here
		return o.pair(low, was, here, n, at)
	}
	if err := o.object(was, n, at); err != nil {
		return err
	}
	x, err := low.Sub(n.Name)
	if err != nil {
		return err
	}
	defer x.Close()
	y, err := here.up.Sub(n.Name)
	if err != nil {
		return err
	}
	defer y.Close()
	return o.dir(plain{x, low.mount}, plain{y, here.up.mount}, at)
}
