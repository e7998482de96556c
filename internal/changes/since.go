package changes

import (
	"errors"
	"io/fs"
	"path"
	"time"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// Since finds what was added or modified later than a time in the directory at a path of the root, by the times that the kernel notes: it needs no
// base, and no right to look at one. What was deleted it cannot find. A file that was made later was added, as far as the filesystem keeps
// when that was; where the root is an overlay (merged), it may also be one that was changed.
//
// Denied are the directories that may not be looked into.
func Since(dir *sys.Tree, at string, since time.Time, merged bool, look Look) (all []review.Change, denied []string, err error) {
	v, err := viewOf(dir)
	if err != nil {
		return nil, nil, err
	}
	s := &later{finder: finder{Look: look}, from: since, merged: merged}
	err = s.dir(own{v, at, &s.denied}, at)
	return s.sorted(), s.denied, err
}

type later struct {
	finder
	from   time.Time
	merged bool
	denied []string
}

func (s *later) dir(v view, at string) error {
	all, err := v.nodes()
	if err != nil {
		return gone(err)
	}
	for _, n := range all {
		p := path.Join(at, n.Name)
		if s.passes(p) || n.foreign {
			continue
		}
		if err := gone(s.node(v, n, p)); err != nil {
			return err
		}
	}
	return nil
}

func (s *later) node(v view, n node, at string) error {
	touched := !time.Unix(n.Ctim.Unix()).Before(s.from)
	born := false
	if touched && (!s.merged || !n.IsDir()) { // an overlay makes a directory of the base anew as soon as anything in it is changed
		now, err := n.tree.Stat(n.real)
		if err != nil {
			return err
		}
		born = !now.Born.Before(s.from)
	}
	switch {
	case born:
		return s.whole(v, n, at, review.Added)
	case n.IsDir():
		sub, err := v.open(n)
		if err != nil {
			return err
		}
		defer sub.close()
		return s.dir(sub, at)
	case touched:
		s.modified(at, 0, n.Stat)
	}
	return nil
}

// own is a directory of somebody who may not look into all that lies there.
type own struct {
	plain
	at     string
	denied *[]string
}

func (v own) open(n node) (view, error) {
	at := path.Join(v.at, n.Name)
	sub, err := v.Sub(n.real)
	if errors.Is(err, fs.ErrPermission) {
		*v.denied = append(*v.denied, at)
		return closed{}, nil
	}
	if err != nil {
		return nil, err
	}
	return own{plain{sub, v.mount}, at, v.denied}, nil
}

// closed is a directory that cannot be looked into.
type closed struct{}

func (closed) self() (node, error)     { return node{}, fs.ErrPermission }
func (closed) nodes() ([]node, error)  { return nil, nil }
func (closed) open(node) (view, error) { return closed{}, nil }
func (closed) close()                  {}
