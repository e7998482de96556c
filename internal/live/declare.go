package live

import (
	"errors"
	"fmt"
	"path/filepath"

	"anicca/internal/config"
	"anicca/internal/sys"
)

// declare puts the changed files of a declaration in place: all of them, or none. All are on the disk, under names that no declaration
// has, before the first of them is put in the place of an old one.
func declare(files []config.Edited) (err error) {
	all := make([]writing, len(files))
	defer func() {
		for i := range all {
			all[i].end()
		}
	}()
	for i, e := range files {
		all[i].Edited = e
		if err := all[i].stage(); err != nil {
			return fmt.Errorf("%w\nNothing was written", err)
		}
	}
	for i := range all {
		if err := all[i].put(); err != nil {
			return back(all[:i], err)
		}
	}
	var errs []error
	for _, w := range all { // else a power cut may leave some of them as they were
		errs = append(errs, w.dir.SyncNames())
	}
	return errors.Join(errs...)
}

// back undoes what was put in place before something failed.
func back(done []writing, failed error) error {
	var left error
	for _, w := range done {
		if err := w.undo(); err != nil {
			left = errors.Join(left, fmt.Errorf("%s was written, and could not be put back: see what is in it: %w", w.Path, err))
		}
	}
	if left != nil {
		return fmt.Errorf("%w\n%w", failed, left)
	}
	return fmt.Errorf("%w\nNothing was written", failed)
}

// writing is a changed file of a declaration on its way.
type writing struct {
	config.Edited
	dir  *sys.Tree
	temp string // the new one, until it is in place
	perm sys.Perm
}

// stage writes the new file beside the old one, with the owner and mode of that.
func (w *writing) stage() (err error) {
	if w.dir, err = sys.OpenTree(filepath.Dir(w.Path)); err != nil {
		return err
	}
	if err = w.still(w.Old); err != nil {
		return err
	}
	s, err := w.dir.Stat(w.name())
	if err != nil {
		return err
	}
	w.perm = sys.Perm{UID: int(s.Uid), GID: int(s.Gid), Mode: s.Perm()}
	w.temp = sys.TempName()
	return w.dir.StageFile(w.temp, w.New, w.perm)
}

func (w *writing) name() string { return filepath.Base(w.Path) }

// still says if the file has another content.
func (w *writing) still(want []byte) error {
	now, err := w.dir.ReadFile(w.name())
	if err == nil && string(now) != string(want) {
		err = fmt.Errorf("%s was changed meanwhile: say it again", w.Path)
	}
	return err
}

func (w *writing) put() error {
	err := w.still(w.Old)
	if err == nil {
		err = w.dir.Replace(w.temp, w.name())
	}
	if err == nil {
		w.temp = ""
	}
	return err
}

func (w *writing) undo() error {
	err := w.still(w.New)
	if err == nil {
		err = w.dir.WriteFile(w.name(), w.Old, w.perm)
	}
	return err
}

func (w *writing) end() {
	if w.dir == nil {
		return
	}
	if w.temp != "" {
		_ = w.dir.Remove(w.temp)
	}
	w.dir.Close()
}
