package live

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// forgotten is where kept copies are moved, in a store.
const forgotten = decl.StateDir + "/forgotten"

// settle does to the kept copy what was wished.
func (m Machine) settle(t *Taking) error {
	there, err := m.Root.Exists(t.step.Source)
	if t.None = err == nil && !there && m.Root.IsMounted(t.step.Store); t.None || t.Fate == Leave {
		return nil
	}
	store, err := m.Root.Sub(t.step.Store)
	if err != nil {
		return err
	}
	defer store.Close()
	at := t.step.Source[len(t.step.Store):]
	if t.Fate == Delete {
		// Whoever sees it there, such as a container, would lose what it writes.
		switch where, err := store.InUse(at); {
		case err != nil:
			return err
		case where != "":
			return fmt.Errorf("%s: its kept copy is mounted at %s, here or in a container, so it was not deleted; when it is not: anicca forget --delete %s", t.Path, where, t.Path)
		}
		return errors.Join(store.RemoveTree(at), store.Sync())
	}
	to := path.Join(forgotten, t.now.UTC().Format("20060102T150405Z"), at)
	err = store.MkdirAll(path.Dir(to), func(string) sys.Perm { return sys.Mine(0o700) })
	if err == nil {
		err = store.Rename(at, to)
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %s lies there already", t.Path, path.Join(t.step.Store, to))
	}
	if err != nil {
		return err
	}
	t.Moved = path.Join(t.step.Store, to)
	return store.Sync()
}
