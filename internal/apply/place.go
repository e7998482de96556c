package apply

import (
	"errors"
	"fmt"
	"io/fs"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Place puts the kept copy of an entry at its path: it is the one way to do so, at boot and on a running system.
// What lies at the path is covered or replaced; the caller has made sure that nothing is lost by that.
// It verifies the result.
func Place(root *sys.Tree, s plan.Step) error {
	near := root.Near()
	defer near.Close()
	return PlaceNear(near, s)
}

// PlaceNear is [Place] for one entry of many.
func PlaceNear(near *sys.Near, s plan.Step) error {
	if err := wrap(s, put(near, s)); err != nil {
		return err
	}
	if s.Kind == plan.Bind { // put has looked at what shows there
		return nil
	}
	return Verify(near.Tree(), s)
}

func wrap(s plan.Step, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", s.Kind, s.Path, err)
}

func put(near *sys.Near, s plan.Step) error {
	if s.Kind == plan.Bind {
		return bind(near, s)
	}
	root := near.Tree()
	if err := parents(root, s, false); err != nil {
		return err
	}
	switch s.Kind {
	case plan.Symlink:
		if target, err := root.Readlink(s.Path); err == nil && target == s.Source {
			return nil
		}
		if s.Dir {
			return linkDir(root, s)
		}
		return root.Symlink(s.Source, s.Path)
	case plan.Carry:
		if diff, err := sys.Compare(root, s.Source, root, s.Path, 1); err == nil && same(diff) {
			return nil
		}
		return sys.Put(root, s.Source, root, s.Path, true)
	case plan.Copy:
		data, err := root.ReadFile(s.Source)
		if err != nil {
			return err
		}
		kept, err := root.Stat(s.Source)
		if err != nil {
			return err
		}
		return root.WriteFile(s.Path, data, sys.Perm{UID: int(kept.Uid), GID: int(kept.Gid), Mode: kept.Perm()})
	}
	return fmt.Errorf("internal error: %q is not a way to place an entry", s.Kind)
}

// bind mounts the kept copy over the path, unless it shows there already, and makes what it has to be mounted on.
func bind(near *sys.Near, s plan.Step) error {
	root := near.Tree()
	there, err := near.Stat(s.Path)
	switch {
	case err == nil && there.IsLink():
		if target, err := root.Readlink(s.Path); err != nil || target != s.Source {
			return errors.Join(err, fmt.Errorf("is a symbolic link to %s: keep what it points to, or remove it", target))
		}
		if err := root.Remove(s.Path); err != nil {
			return err
		}
	case err == nil:
		if done, err := sys.MountedFrom(root, s.Source, root, s.Path); err == nil && done {
			return nil
		}
		return near.Bind(s.Source, s.Path, s.Options)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return bindNew(near, s)
}

// bindNew is [bind] where nothing lies at the path.
func bindNew(near *sys.Near, s plan.Step) error {
	return near.BindNew(s.Source, s.Path, s.Options, func() error { return parents(near.Tree(), s, false) })
}

// Verify reports with an error if the entry is not in place.
func Verify(root *sys.Tree, s plan.Step) error {
	switch s.Kind {
	case plan.Bind:
		ok, err := sys.MountedFrom(root, s.Source, root, s.Path)
		if err == nil && !ok {
			err = errors.New("what lies there is not the kept copy")
		}
		if err != nil {
			return fmt.Errorf("verify %s: %w", s.Path, err)
		}
	case plan.Symlink:
		if covered, err := sys.MountedFrom(root, s.Source, root, s.Path); err == nil && covered && s.Dir {
			return nil // where no link can be
		}
		target, err := root.Readlink(s.Path)
		if err == nil && target != s.Source {
			err = fmt.Errorf("points to %s, not to %s", target, s.Source)
		}
		if err != nil {
			return fmt.Errorf("verify %s: %w", s.Path, err)
		}
	case plan.Carry: // programs may change and even remove it: the next boot follows
		if target, err := root.Readlink(s.Path); err == nil && target == s.Source {
			return fmt.Errorf("verify %s: is a link to the kept copy, not a file", s.Path)
		}
	case plan.Copy:
		diff, err := sys.Compare(root, s.Source, root, s.Path, 1)
		if err != nil {
			return fmt.Errorf("verify %s: %w", s.Path, err)
		}
		for _, d := range diff {
			if d.What != sys.TimeDiffers {
				return fmt.Errorf("verify %s: differs from the kept copy: %s", s.Path, d.What)
			}
		}
	}
	return nil
}

// Note makes the mount options that are for user space known to it, for what is in place in the running system.
// In any other root there is nobody to read them.
func Note(root *sys.Tree, entries []plan.Step) error { return note(root, entries, nil) }

func note(root *sys.Tree, entries []plan.Step, made map[string]sys.Made) error {
	if root.Name() != "/" {
		return nil
	}
	ours, others := map[string][]string{}, map[string][]string{}
	for _, s := range entries {
		switch {
		case s.Kind == plan.Bind:
			ours[s.Path] = s.Options
		case s.Kind == plan.Symlink && s.Dir:
			if len(s.Options) > 0 {
				others[s.Store] = s.Options
			}
			ours[s.Path] = s.Options // where a mount had to do
		}
	}
	return sys.NoteUserOptions(root, ours, others, made)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
