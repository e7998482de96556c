package changes

import (
	"slices"
	"strings"

	"anicca/internal/sys"
)

// view is a directory as a program in the root sees it, whatever it is made of. It is for one goroutine.
type view interface {
	self() (node, error)         // the directory itself
	nodes() ([]node, error)      // all that lies in it, sorted by name
	each(func(node) error) error // the same, one by one and in no order
	open(n node) (view, error)   // one of these, which is a directory
	close()
}

// node is one object in a directory.
type node struct {
	sys.Entry
	tree    *sys.Tree // where it really lies, as long as its view is open
	real    string    // its name there
	foreign bool      // something else is mounted there

	xattrs map[string][]byte // if they were read already
	read   bool
}

func (n node) attributes() (map[string][]byte, error) {
	if n.read {
		return n.xattrs, nil
	}
	return n.tree.Xattrs(n.real, ignored...)
}

// plain is a directory that is nothing else.
type plain struct {
	*sys.Tree
	mount uint64 // that it is looked at through
}

// viewOf looks at a directory, and stays on its mount.
func viewOf(t *sys.Tree) (plain, error) {
	s, err := t.Stat(".")
	return plain{t, s.MountID}, err
}

func (v plain) self() (node, error) {
	e, err := v.Self()
	return node{Entry: e, tree: v.Tree, real: "."}, err
}

func (v plain) nodes() ([]node, error) {
	var out []node
	err := v.each(func(n node) error {
		out = append(out, n)
		return nil
	})
	slices.SortFunc(out, func(a, b node) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

func (v plain) each(f func(node) error) error {
	return v.Each(func(name []byte, s *sys.Stat) error {
		n := string(name)
		return f(node{Entry: sys.Entry{Name: n, Stat: *s}, tree: v.Tree, real: n, foreign: s.MountID != v.mount})
	})
}

func (v plain) open(n node) (view, error) {
	t, err := v.Child(n.real)
	if err != nil {
		return nil, err
	}
	return plain{t, v.mount}, nil
}

func (v plain) close() { v.Close() }

// entry looks at a single name in a directory.
func (v plain) entry(name string) (node, error) {
	e, err := v.Entry(name)
	return node{Entry: e, tree: v.Tree, real: name, foreign: e.MountID != v.mount}, err
}

// one looks at a single path below a directory.
func (v plain) one(p string) (node, error) {
	s, err := v.Stat(p)
	return node{Entry: sys.Entry{Stat: s}, tree: v.Tree, real: p, foreign: s.MountID != v.mount}, err
}
