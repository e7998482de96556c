package watch

import (
	"path"
	"time"

	"anicca/internal/decl"
	"anicca/internal/plan"
)

// armed is a watched directory.
type armed struct {
	is  [3]uint64
	way bool // only on the way to others
}

// watched reports whether an entry can be replaced in the directory that it lies in. Mounts of directories are told by the table of
// mounts, and the machine's identity is nobody's to change.
func watched(s *plan.Step) bool {
	return s.Kind == plan.Symlink || s.Kind == plan.Carry || s.Kind == plan.Bind && !s.Dir
}

// wanted are the directories to watch, and whether each is only on the way.
func (w *watcher) wanted() map[string]bool {
	out := map[string]bool{}
	add := func(p string) {
		out[path.Dir(p)] = false
		for d := path.Dir(p); d != "/"; d = path.Dir(d) {
			if _, ok := out[path.Dir(d)]; !ok {
				out[path.Dir(d)] = true
			}
		}
	}
	add(path.Join(w.main, decl.StateDir, "current"))
	if w.plan != nil {
		for i := range w.plan.Entries {
			if s := &w.plan.Entries[i]; watched(s) {
				add(s.Path)
			}
		}
	}
	return out
}

// arms reports whether other directories are to be watched than are.
func (w *watcher) arms() bool {
	wanted := w.wanted()
	for d, way := range wanted {
		a, ok := w.armed[d]
		s, _ := w.root.State(d)
		if ok != (s.Kind == 'd') || ok && (a.is != s.Object || a.way != way) {
			return true
		}
	}
	for d := range w.armed {
		if _, ok := wanted[d]; !ok {
			return true
		}
	}
	return false
}

// arm watches the directories that are there. What was replaced meanwhile is found by looking at everything after it.
func (w *watcher) arm() error {
	if !w.moved && !w.arms() {
		return nil
	}
	if err := w.events.Reset(); err != nil {
		return err
	}
	w.moved = false
	clear(w.armed)
	w.state.Dirs, w.state.Who = 0, 0
	for d, way := range w.wanted() {
		t, err := w.root.Sub(d)
		if err != nil {
			continue // the directory above it tells when it comes
		}
		is, err := t.State(".")
		who := false
		if err == nil {
			who, err = w.events.Watch(t, d, way)
		}
		t.Close()
		if err != nil {
			return err
		}
		w.armed[d] = armed{is.Object, way}
		w.state.Dirs++
		if who {
			w.state.Who++
		}
	}
	w.all(time.Now())
	return nil
}
