package apply

import (
	"fmt"
	"path"
	"slices"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// linkDir puts a link to a kept directory at its path. An empty directory there makes way; one with content is an error.
func linkDir(root *sys.Tree, s plan.Step) error {
	there, err := root.Stat(s.Path)
	if err != nil || !there.IsDir() {
		if err := ignoreMissing(err); err != nil {
			return err
		}
		return root.Symlink(s.Source, s.Path)
	}
	if empty, err := root.Empty(s.Path); err != nil {
		return err
	} else if !empty {
		return fmt.Errorf("a directory with content lies there: %w", ErrWouldLose)
	}
	if err := root.Remove(s.Path); err != nil { // whatever was put into it meanwhile, is not removed
		return err
	}
	return root.Symlink(s.Source, s.Path)
}

// Exchange puts a link to a kept directory in the place of a directory, in one step, and returns the name beside it that the directory
// has then: one of an unfinished object, which a later boot removes.
// The caller has made sure that nothing is lost by that. An overlay cannot do it with a directory of the layers below.
func Exchange(root *sys.Tree, s plan.Step) (aside string, err error) {
	beside, err := root.Sub(path.Dir(s.Path))
	if err != nil {
		return "", err
	}
	defer beside.Close()
	aside, name := sys.TempName(), path.Base(s.Path)
	if err := beside.Symlink(s.Source, aside); err != nil {
		return "", err
	}
	if err := beside.Exchange(aside, name); err != nil {
		_ = beside.Remove(aside)
		return "", err
	}
	return path.Join(path.Dir(s.Path), aside), nil
}

// link puts a link in the place of a directory of a running system, whose content is in the store by now.
func (w *walker) link(s plan.Step) error {
	if err := w.guard(s); err != nil {
		return err
	}
	if err := trash(w.root, s); err != nil {
		return err
	}
	there, err := w.root.Stat(s.Path)
	if err != nil || !there.IsDir() {
		return Place(w.root, s)
	}
	if empty, err := w.root.Empty(s.Path); err != nil || empty {
		if err != nil {
			return err
		}
		return Place(w.root, s)
	}
	if err := unused(w.root, s.Path); err != nil {
		return err
	}
	kept, err := w.root.Sub(s.Source)
	if err != nil {
		return err
	}
	defer kept.Close()
	aside, err := Exchange(w.root, s)
	if sys.IsOtherMount(err) {
		return fmt.Errorf("link %s: an overlay cannot replace a directory of the base: move what is in it to %s, or leave method out", s.Path, s.Source)
	}
	if err != nil {
		return err
	}
	old, err := w.root.Sub(aside)
	if err != nil {
		return err
	}
	defer old.Close()
	if err := sys.Freshen(old, kept); err != nil {
		return fmt.Errorf("link %s: what was written in the last moment is in %s only, until the next boot: %w", s.Path, w.root.Path(aside), err)
	}
	if err := kept.Sync(); err != nil {
		return err
	}
	if err := unused(w.root, aside); err != nil {
		return fmt.Errorf("what it writes there is gone with the next boot: %w", err)
	}
	if err := w.root.RemoveTree(aside); err != nil {
		return err
	}
	return Verify(w.root, s)
}

// trash makes the directory in a store for what is trashed where links lead. Users cannot make it themselves, as they can in a kept
// directory that is a mount. The name is of the Trash specification 1.0, "Trash directories", (2).
func trash(root *sys.Tree, s plan.Step) error {
	if s.Home == nil || !slices.Contains(s.Options, decl.TrashOption) {
		return nil
	}
	p := path.Join(s.Store, fmt.Sprintf("%s%d", decl.TrashDir, s.Home.UID))
	if there, err := root.Exists(p); err != nil || there {
		return err
	}
	return root.Mkdir(p, sys.Perm{UID: s.Home.UID, GID: s.Home.GID, Mode: 0o700})
}

// unused is an error if programs use a directory, which would go on doing so wherever it is moved.
func unused(root *sys.Tree, p string) error {
	holders, err := root.DirHolders(p)
	if err != nil || len(holders) == 0 {
		return err
	}
	return fmt.Errorf("%s cannot be made a link while programs use it: %s; stop it, then run 'anicca apply'", root.Path(p), holders[0])
}
