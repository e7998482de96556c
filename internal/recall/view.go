package recall

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// View is one place to look, as a whole tree: parts that are volumes of their own are looked up where they were mounted.
type View struct {
	Name string // for sentences, such as "base 2"
	ID   string // as [Machine.Open] takes it

	trees  map[string]place // by part; "" is the root itself
	parts  []string
	shared bool // the tree is the running root's
	hidden string
	open   func(p string) (dir, rest string, done func() error, err error)
	kept   func(p string) string // where the kept copy of a path lies
	stop   func() error
}

type place struct {
	tree *sys.Tree
	done func() error
}

// Close lets go of what was opened.
func (v *View) Close() error {
	if v.shared {
		return nil
	}
	var errs []error
	for _, x := range v.trees {
		errs = append(errs, x.tree.Close(), x.done())
	}
	v.trees = map[string]place{}
	return errors.Join(errs...)
}

// Tree is the place without the volumes that are mounted in it. It is closed with the view.
func (v *View) Tree() (*sys.Tree, error) {
	t, _, err := v.at("/")
	return t, err
}

// at returns the tree that p is looked up in, and its path there.
func (v *View) at(p string) (*sys.Tree, string, error) {
	if v.kept != nil {
		return v.trees[""].tree, v.kept(p), nil
	}
	in := v.part(p)
	x, ok := v.trees[in]
	if !ok {
		dir, _, done, err := v.open(path.Join("/", in))
		if err != nil {
			return nil, "", err
		}
		t, err := sys.OpenTree(dir)
		if err != nil {
			return nil, "", errors.Join(err, done())
		}
		x = place{t, done}
		v.trees[in] = x
	}
	return x.tree, path.Join("/", p[len(in):]), nil
}

func (v *View) part(p string) string {
	in := ""
	for _, x := range v.parts {
		if len(x) > len(in) && (p == x || strings.HasPrefix(p, x+"/")) {
			in = x
		}
	}
	return in
}

// Stat describes what lies at p; it is nil if nothing does.
func (v *View) Stat(p string) (*sys.Stat, error) {
	if v.stop != nil {
		if err := v.stop(); err != nil {
			return nil, err
		}
	}
	if v.hidden != "" && (p == v.hidden || strings.HasPrefix(p, v.hidden+"/")) {
		return nil, nil
	}
	t, rest, err := v.at(p)
	if err != nil {
		return nil, err
	}
	s, err := t.Stat(rest)
	switch {
	case errors.Is(err, fs.ErrNotExist), sys.IsNotDir(err):
		return nil, nil
	case sys.IsLoop(err):
		return nil, linked(t, rest, p, v.Name)
	case err != nil:
		return nil, err
	}
	return &s, nil
}

// linked says which path is meant where a directory above is a link, as /lib is on most machines.
func linked(t *sys.Tree, rest, p, where string) error {
	for up := path.Dir(rest); up != "/"; up = path.Dir(up) {
		s, err := t.Stat(up)
		if err != nil || !s.IsLink() {
			continue
		}
		target, err := t.Readlink(up)
		if err != nil {
			break
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(up), target)
		}
		return fmt.Errorf("%s: in %s, %s is a link: ask for %s", p, where, up, path.Join(target, strings.TrimPrefix(rest, up)))
	}
	return fmt.Errorf("%s: in %s, a directory above it is a link: ask for the path that it leads to", p, where)
}

// list returns the names in the directory p.
func (v *View) list(p string) ([]string, error) {
	t, rest, err := v.at(p)
	if err != nil {
		return nil, err
	}
	names, err := t.List(rest)
	return slices.DeleteFunc(names, func(n string) bool {
		return sys.IsTemp(n) || v.kept != nil && p == "/" && n == decl.StateDir || v.hidden != "" && path.Join(p, n) == v.hidden
	}), err
}

func (v *View) readlink(p string) (string, error) {
	t, rest, err := v.at(p)
	if err != nil {
		return "", err
	}
	return t.Readlink(rest)
}

func (v *View) xattrs(p string) (map[string][]byte, error) {
	t, rest, err := v.at(p)
	if err != nil {
		return nil, err
	}
	x, err := t.Xattrs(rest)
	delete(x, "security.selinux") // the running policy gives it
	return x, err
}

// reader opens the regular file p.
func (v *View) reader(p string) (io.ReadCloser, error) {
	t, rest, err := v.at(p)
	if err != nil {
		return nil, err
	}
	return t.FS().Open(strings.TrimPrefix(rest, "/"))
}

// sameContent compares two regular files.
func sameContent(a, b *View, p string) (bool, error) {
	at, ap, err := a.at(p)
	if err != nil {
		return false, err
	}
	bt, bp, err := b.at(p)
	if err != nil {
		return false, err
	}
	return sys.SameContent(at, ap, bt, bp)
}
