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
func Find(b *root.Disk, p string) (root.Old, error) {
	old, err := b.Archive()
	if err != nil {
		return root.Old{}, err
	}
	for _, o := range slices.Backward(old) {
		if o.Lost {
			continue // what lies there is not of that session
		}
		found := false
		err := in(b, o.ID, p, func(t *sys.Tree, rest string) (err error) {
			found, err = t.Exists(rest)
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
func Restore(b *root.Disk, id, p string, to *sys.Tree, at string) error {
	return in(b, id, p, func(t *sys.Tree, rest string) error {
		if there, err := to.Exists(at); err != nil {
			return err
		} else if there {
			return fmt.Errorf("%s: %w: move it away, or restore to another place with --to", at, ErrThere)
		}
		err := to.MakeAll(path.Dir(at), func(dir string) error {
			model := path.Join(path.Dir(rest), relative(dir, path.Dir(at)))
			if s, err := t.Stat(model); err == nil && s.IsDir() {
				return to.MkdirLike(dir, t, model)
			}
			return to.Mkdir(dir, sys.Perm{Mode: 0o755})
		})
		if err != nil {
			return err
		}
		err = sys.Copy(t, rest, to, at)
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

// in opens an old root while f looks into it; the path p lies at rest there.
func in(b *root.Disk, id, p string, f func(t *sys.Tree, rest string) error) error {
	dir, rest, done, err := b.OpenOld(id, p)
	if err != nil {
		return err
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return errors.Join(err, done())
	}
	err = f(t, rest)
	t.Close()
	return errors.Join(err, done())
}
