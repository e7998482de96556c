package apply

import (
	"errors"
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

// Beside is where an object goes that a link takes the place of, as long as it may be the only copy of what it holds: no name of
// something unfinished, which boots remove, and always the same, so that it is found again after a power cut.
func Beside(p string) string {
	name := path.Base(p)
	return path.Join(path.Dir(p), ".anicca-link-"+name[:min(len(name), 200)])
}

// Exchange puts a link to a kept directory in the place of the directory old, in one step. Old has the name aside then, beside it, where
// nothing may lie.
// The caller has made sure that nothing is lost by that. An overlay cannot do it with a directory of the layers below.
func Exchange(root *sys.Tree, s plan.Step, old *sys.Tree, aside string) error {
	beside, err := root.Sub(path.Dir(s.Path))
	if err != nil {
		return err
	}
	defer beside.Close()
	name := path.Base(s.Path)
	if target, err := beside.Readlink(aside); err == nil && target == s.Source { // left by a power cut
		if err := beside.Remove(aside); err != nil {
			return err
		}
	}
	if err := beside.LinkNew(s.Source, aside); err != nil {
		return err
	}
	if err := beside.Exchange(aside, name); err != nil {
		_ = beside.Remove(aside)
		return err
	}
	was, err1 := old.Stat(".")
	is, err2 := beside.Stat(aside)
	if err := errors.Join(err1, err2); err != nil || !was.SameObject(is) { // whoever owns the home has put another there
		return errors.Join(fmt.Errorf("%s was replaced meanwhile", s.Path), err, beside.Exchange(aside, name), beside.Remove(aside))
	}
	return nil
}

// link puts a link in the place of a directory of a running system, whose content is in the store by now.
func (w *walker) link(s plan.Step) error {
	if err := trash(w.root, s); err != nil {
		return err
	}
	there, err := w.root.Stat(s.Path)
	if err != nil && ignoreMissing(err) != nil {
		return err
	}
	if err != nil || !there.IsDir() {
		if err := w.guard(s); err != nil {
			return err
		}
		return PlaceNear(w.near, s)
	}
	old, err := w.root.Sub(s.Path)
	if err != nil {
		return err
	}
	defer old.Close()
	if err := w.guard(s); err != nil {
		return err
	}
	if empty, err := old.Empty("."); err != nil || empty {
		return errors.Join(err, PlaceNear(w.near, s))
	}
	if err := unused(w.root, s.Path); err != nil {
		return err
	}
	kept, err := w.root.Sub(s.Source)
	if err != nil {
		return err
	}
	defer kept.Close()
	aside := Beside(s.Path)
	err = Exchange(w.root, s, old, path.Base(aside))
	if sys.IsNoExchange(err) {
		return fmt.Errorf("link %s: the filesystem cannot put a link in the place of this directory: move what is in it to %s, or leave method out", s.Path, s.Source)
	}
	if err != nil {
		return err
	}
	if err := w.empty(s, old, kept, aside); err != nil {
		return err
	}
	if err := w.root.Remove(aside); err != nil {
		return err
	}
	return Verify(w.root, s)
}

// empty removes what a directory holds in whose place a link is now, when the kept copy has all of it.
func (w *walker) empty(s plan.Step, old, kept *sys.Tree, aside string) error {
	left := func(err error) error {
		return fmt.Errorf("link %s: what lay there is in %s, see what of it is not in %s: %w", s.Path, w.root.Path(aside), s.Source, err)
	}
	if err := errors.Join(sys.Freshen(old, kept), kept.Sync()); err != nil { // what was written in the last moment
		return left(err)
	}
	if err := unused(w.root, aside); err != nil {
		return left(err)
	}
	diff, err := sys.Compare(old, ".", kept, ".", 1<<20)
	if err != nil {
		return left(err)
	}
	for _, d := range diff {
		if d.Lacks() && !(s.Enforce && d.Path == "." && d.OfAccess()) {
			return left(fmt.Errorf("the kept copy was changed meanwhile: %s", d))
		}
	}
	names, err := old.List(".")
	if err != nil {
		return left(err)
	}
	for _, n := range names {
		if err := old.RemoveTree(n); err != nil {
			return left(err)
		}
	}
	return nil
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
	holders, err := root.TreeHolders(p)
	if err != nil || len(holders) == 0 {
		return err
	}
	return fmt.Errorf("%s cannot be made a link while programs use it: %s; stop it, then run 'anicca apply'", root.Path(p), holders[0])
}
