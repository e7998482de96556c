package changes

import (
	"io/fs"
	"path"
	"strings"
)

// The marks of an overlay, as Documentation/filesystems/overlayfs.rst of the kernel describes them. They are attributes in the
// namespace "trusted", or "user" where it was mounted in a user namespace.
const (
	opaque   = "opaque"   // "y": what the lower directory has is hidden; "x": there are whiteouts that are files
	redirect = "redirect" // where the lower directory lies: beside the one of this name, or from the top
	hides    = "whiteout" // an empty file with this mark is a whiteout
)

// marks reads the attributes of a node of an upper directory, with its marks.
func (n *node) marks() (err error) {
	if !n.read {
		n.xattrs, err = n.tree.Xattrs(n.real, "trusted.overlay.origin", "trusted.overlay.impure", "user.overlay.origin", "user.overlay.impure")
		n.read = err == nil
	}
	return err
}

func (n *node) mark(name string) (string, bool) {
	for _, namespace := range []string{"trusted.overlay.", "user.overlay."} {
		if v, ok := n.xattrs[namespace+name]; ok {
			return string(v), true
		}
	}
	return "", false
}

// whiteout reports whether a node of an upper directory says that there is nothing.
func (n *node) whiteout() (bool, error) {
	switch {
	case n.Type() == fs.ModeDevice|fs.ModeCharDevice:
		return n.Rdev == 0, nil
	case !n.IsFile() || n.Size > 0:
		return false, nil
	}
	err := n.marks()
	_, ok := n.mark(hides)
	return ok, err
}

// merged is a directory of an overlay: an upper directory over a lower one, if it has one.
type merged struct {
	up   plain
	low  *plain
	base plain // the top of the lower ones
}

func (v merged) self() (node, error) { return v.up.self() }

func (v merged) nodes() ([]node, error) {
	up, err := v.up.nodes()
	if err != nil {
		return nil, err
	}
	var low []node
	if v.low != nil {
		if low, err = v.low.nodes(); err != nil {
			return nil, err
		}
	}
	var out []node
	return out, merge(low, up, func(a, b *node) error {
		if b == nil {
			out = append(out, *a)
			return nil
		}
		gone, err := b.whiteout()
		if err == nil && !gone {
			out = append(out, *b)
		}
		return err
	})
}

func (v merged) each(f func(node) error) error {
	all, err := v.nodes()
	for _, n := range all {
		if err == nil {
			err = f(n)
		}
	}
	return err
}

func (v merged) open(n node) (view, error) {
	if v.low != nil && n.tree == v.low.Tree {
		return v.low.open(n)
	}
	if err := n.marks(); err != nil {
		return nil, err
	}
	t, err := v.up.Child(n.real)
	if err != nil {
		return nil, err
	}
	sub := merged{up: plain{t, v.up.mount}, base: v.base}
	if sub.low, err = v.below(n); err != nil {
		t.Close()
		return nil, err
	}
	return sub, nil
}

// below opens the lower directory of an upper one; it is nil if there is none.
func (v merged) below(n node) (*plain, error) {
	if how, _ := n.mark(opaque); how == "y" {
		return nil, nil
	}
	from, p := v.low, n.Name
	if to, _ := n.mark(redirect); strings.HasPrefix(to, "/") {
		from, p = &v.base, to
	} else if to != "" {
		p = path.Base(to)
	}
	if from == nil {
		return nil, nil
	}
	t, err := from.Sub(p)
	if err != nil {
		return nil, gone(err)
	}
	return &plain{t, v.base.mount}, nil
}

func (v merged) close() {
	v.up.Close()
	if v.low != nil {
		v.low.Close()
	}
}
