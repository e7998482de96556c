// Package archive finds things in old roots and brings them back.
package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"anicca/internal/root"
	"anicca/internal/sys"
)

// ErrThere marks the refusal to restore over something that lies at the place.
var ErrThere = errors.New("something lies there already")

// Find returns the newest old root that has an object at p.
func Find(b root.Backend, p string) (root.Old, error) {
	old, err := b.Archive()
	if err != nil {
		return root.Old{}, err
	}
	for _, o := range slices.Backward(old) {
		found := false
		err := in(b, o.ID, func(t *sys.Tree) (err error) {
			found, err = t.Exists(p)
			return err
		})
		if err != nil {
			return root.Old{}, err
		}
		if found {
			return o, nil
		}
	}
	return root.Old{}, fmt.Errorf("%s: none of the %d old roots has it", p, len(old))
}

// Restore copies p from an old root to the path at in the tree to, with all metadata.
// It never overwrites: if something lies there, the error is [ErrThere].
func Restore(b root.Backend, id, p string, to *sys.Tree, at string) error {
	return in(b, id, func(t *sys.Tree) error {
		if there, err := to.Exists(at); err != nil {
			return err
		} else if there {
			return fmt.Errorf("%s: %w: move it away, or restore to another place with --to", at, ErrThere)
		}
		missing := func(dir string) sys.Perm {
			if s, err := t.Stat(path.Join(path.Dir(p), relative(dir, path.Dir(at)))); err == nil && s.IsDir() {
				return sys.Perm{UID: int(s.Uid), GID: int(s.Gid), Mode: s.Perm()}
			}
			return sys.Perm{Mode: 0o755}
		}
		if err := to.MkdirAll(path.Dir(at), missing); err != nil {
			return err
		}
		err := sys.Copy(t, p, to, at)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("old root %s has no %s: %w", id, p, err)
		}
		return err
	})
}

// relative returns the path from base up to dir as "../..", for a directory that lies above base.
func relative(dir, base string) string {
	up := "."
	for d := path.Clean(base); d != path.Clean(dir) && d != "/"; d = path.Dir(d) {
		up = path.Join(up, "..")
	}
	return up
}

func in(b root.Backend, id string, f func(*sys.Tree) error) error {
	dir, done, err := b.OpenOld(id)
	if err != nil {
		return err
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return errors.Join(err, done())
	}
	err = f(t)
	t.Close()
	return errors.Join(err, done())
}
