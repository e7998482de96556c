package live

import (
	"errors"
	"fmt"
	"path"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// fill makes the copy, under the mount or beside the link.
func (m Machine) fill(t *Taking) (err error) {
	dir, name := path.Split(t.Path)
	if t.beside, err = m.Root.Beneath(dir); err != nil {
		return err
	}
	if !t.step.Dir {
		return m.fillFile(t, name)
	}
	if t.step.Kind == plan.Symlink {
		t.temp = sys.TempName()
		return sys.Copy(m.Root, t.step.Source, t.beside, t.temp)
	}
	if t.under, err = t.beside.Sub(name); err != nil {
		return err
	}
	kept, err := m.Root.Sub(t.step.Source)
	if err != nil {
		return err
	}
	defer kept.Close()
	if p, err := unsaved(t.under, kept); err != nil || p != "" {
		t.Waits = fmt.Sprintf("a program that had %s open when it was covered has written on into the covered one", path.Join(t.Path, p))
		return err
	}
	return sys.Refill(kept, t.under)
}

func (m Machine) fillFile(t *Taking, name string) error {
	covered, err := t.beside.Stat(name)
	if err != nil {
		return err
	}
	kept, err := m.Root.Stat(t.step.Source)
	if err != nil {
		return err
	}
	if t.step.Kind == plan.Bind && covered.Size > 0 && covered.Mtim.Nano() > kept.Mtim.Nano() {
		if differ, err := contentDiffers(t.beside, name, m.Root, t.step.Source); err != nil || differ {
			t.Waits = "a program that had it open when it was covered has written on into the covered one"
			return err
		}
	}
	t.temp = sys.TempName()
	if err := sys.Copy(m.Root, t.step.Source, t.beside, t.temp); err != nil || t.step.Kind != plan.Bind || covered.Nlink > 1 {
		return err
	}
	// Nobody sees the covered file; after a power cut, in a root that is not reset, somebody may.
	return sys.Overwrite(m.Root, t.step.Source, t.beside, name)
}

// uncover lets the path show its own copy. What is written until the last moment comes along.
func (m Machine) uncover(t *Taking) error {
	if err := m.show(t); err != nil || t.step.Kind != plan.Symlink || t.Waits != "" {
		return err
	}
	if err := m.holders(t); err != nil {
		return err
	}
	if len(t.Holders) > 0 { // it has come in the last moment
		t.Waits = ""
		return fmt.Errorf("%s, and writes on into the kept copy: %s is left, see what comes into it", t.Holders[0], t.step.Source)
	}
	return nil
}

func (m Machine) show(t *Taking) error {
	if t.step.Dir {
		return m.uncoverDir(t)
	}
	if t.step.Kind == plan.Bind {
		if busy, err := m.unmount(t); busy || err != nil {
			return err
		}
	}
	if diff, err := sys.Compare(m.Root, t.step.Source, m.Root, t.Path, 1); err != nil || len(diff) == 0 {
		return err
	}
	diff, err := sys.Compare(m.Root, t.step.Source, t.beside, t.temp, 1)
	if err == nil && len(diff) > 0 {
		err = errors.Join(t.beside.Remove(t.temp), sys.Copy(m.Root, t.step.Source, t.beside, t.temp))
	}
	if err != nil {
		return err
	}
	temp := t.temp
	t.temp = ""
	return t.beside.Replace(temp, path.Base(t.Path)) // whatever has become of the path since: homes are their users'
}

func (m Machine) uncoverDir(t *Taking) error {
	kept, err := m.Root.Sub(t.step.Source)
	if err != nil {
		return err
	}
	defer kept.Close()
	if t.step.Kind == plan.Symlink {
		return unlinkDir(t, kept)
	}
	if err := sys.CatchUp(kept, t.under); err != nil {
		return err
	}
	if busy, err := m.unmount(t); busy || err != nil {
		return err
	}
	if err := errors.Join(sys.Freshen(kept, t.under), t.under.Sync()); err != nil {
		return fmt.Errorf("what was written in the last moment is in %s only: %w", t.step.Source, err)
	}
	return nil
}

// unlinkDir puts the copy of a linked directory in the place of the link.
func unlinkDir(t *Taking, kept *sys.Tree) error {
	own, err := t.beside.Sub(t.temp)
	if err != nil {
		return err
	}
	defer own.Close()
	if err := sys.CatchUp(kept, own); err != nil {
		return err
	}
	name := path.Base(t.Path)
	if target, err := t.beside.Readlink(name); err != nil || target != t.step.Source {
		return errors.Join(err, fmt.Errorf("%s is not the link to %s any more", t.Path, t.step.Source))
	}
	if err := t.beside.Exchange(t.temp, name); err != nil {
		return err
	}
	link := t.temp
	t.temp = ""
	if err := errors.Join(sys.Freshen(kept, own), own.Sync()); err != nil {
		return fmt.Errorf("what was written in the last moment is in %s only: %w", t.step.Source, err)
	}
	return t.beside.Remove(link)
}

// unmount takes a mount away, or notes who uses it.
func (m Machine) unmount(t *Taking) (busy bool, err error) {
	if err = m.Root.Unmount(t.Path, false); !sys.IsBusy(err) {
		return false, err
	}
	t.Holders, _ = m.Root.MountHolders(t.Path)
	t.Waits = "programs use it, or something is mounted in it"
	return true, nil
}
