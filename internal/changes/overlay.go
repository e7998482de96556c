package changes

import (
	"errors"
	"io/fs"

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
	base  plain
	depth int            // of the directory that is looked at
	rooms [][]sys.Listed // for what lies in directories, by their depth
}

// dir compares a directory of the base with what an upper directory makes of it.
func (o *overlay) dir(low, up plain, at string) error {
	if o.depth == len(o.rooms) {
		o.rooms = append(o.rooms, nil)
	}
	all, err := up.Names(o.rooms[o.depth][:0])
	if err != nil {
		return gone(err)
	}
	o.rooms[o.depth] = all
	o.depth++
	defer func() { o.depth-- }()
	here := merged{up: up, low: &low, base: o.base}
	for _, n := range all {
		if p := join(at, n.Name); !o.passes(p) {
			if err := gone(o.entry(low, here, n, p)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *overlay) entry(low plain, here merged, name sys.Listed, at string) error {
	if name.Dir {
		if done, err := o.both(low, here.up, name.Name, at); done || err != nil {
			return err
		}
	}
	n, err := here.up.entry(name.Name)
	if err != nil {
		return err
	}
	was, err := low.entry(name.Name)
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
	}
	return o.pair(low, was, here, n, at)
}

// both compares an upper directory with a lower one that it adds to, which most are. Both are opened first: an open directory is described in half
// the time that it takes to look it up by its name. It reports whether it was of that kind.
func (o *overlay) both(low, up plain, name, at string) (bool, error) {
	x, err := low.Child(name)
	if errors.Is(err, fs.ErrPermission) { // what only the base does not let us list need not be listed
		x, err = low.Through(name)
	}
	if err != nil {
		return false, gone(err)
	}
	defer x.Close()
	y, err := up.Child(name)
	if err != nil {
		return true, err
	}
	defer y.Close()
	old, now := plain{x, low.mount}, plain{y, up.mount}
	n, err := now.self()
	if err != nil {
		return true, err
	}
	if err := n.marks(); err != nil {
		return true, err
	}
	_, hidden := n.mark(opaque)
	_, moved := n.mark(redirect)
	if hidden || moved { // something else than what the base has here
		return false, nil
	}
	was, err := old.self()
	if err != nil {
		return true, err
	}
	if err := o.object(was, n, at); err != nil {
		return true, err
	}
	return true, o.dir(old, now, at)
}
