package watch

import (
	"path"
	"strings"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

const (
	lost    = "its mount was taken away: it is mounted again"
	dropped = "its mount was dropped, as a program replaced the file where it is not mounted: what it wrote is kept"
)

// mount looks at a kept copy that is mounted. Finally nothing is mounted any more, only saved.
func (w *watcher) mount(s *plan.Step, final bool) outcome {
	if apply.Verify(w.root, *s) == nil {
		w.remember(s)
		return outcome{}
	}
	if w.root.MountID(s.Source) == 0 { // nothing to keep yet
		return outcome{}
	}
	if w.root.IsMounted(s.Path) {
		return outcome{wrong: "something else is mounted there: unmount that, then run 'anicca apply'"}
	}
	there, err := w.root.State(s.Path)
	if err != nil {
		return fault(err)
	}
	want := byte('f')
	if s.Dir {
		want = 'd'
	}
	if there.Kind != 0 && there.Kind != want {
		return outcome{wrong: "something of another type lies in place of its mount: move it away, then run 'anicca apply'"}
	}
	if there.Kind == 0 || !s.Dir && there.Size == 0 || there == w.seen[s.Path].under { // the latter was covered all the time
		return w.place(s, lost, final)
	}
	diff, err := sys.Compare(w.root, s.Path, w.root, s.Source, 100)
	if err != nil {
		return fault(err)
	}
	for _, d := range diff {
		if !d.Lacks() || s.Dir && d.Path == "." {
			continue
		}
		if w.seen[s.Path].under.Kind != 0 {
			return w.dropped(s, final)
		}
		// As 'anicca apply' says it.
		return outcome{wrong: "is not kept: its mount is gone, it holds data, and so does its kept copy " + s.Source + ", and they differ: " +
			"look at both, move the one that you do not want away, then run 'anicca apply'"}
	}
	return w.place(s, lost, final)
}

// dropped takes what was written where the mount of a file was, and mounts the kept copy again.
func (w *watcher) dropped(s *plan.Step, final bool) outcome {
	was, err := w.take(s, s.Path)
	if err != nil {
		return fault(err)
	}
	if final {
		return outcome{did: dropped}
	}
	h := w.hold(s.Path, was)
	if h == nil {
		return later
	}
	out := w.place(s, dropped+", and it is mounted again", false)
	h.Release()
	if under := w.seen[s.Path].under; out.did != "" && under.Kind != 0 && under.Object != was.Object { // a newer one is hidden
		if err := w.root.Unmount(s.Path, false); err != nil {
			return fault(err)
		}
		return later
	}
	return out
}

// place mounts a kept copy again.
func (w *watcher) place(s *plan.Step, did string, final bool) outcome {
	if final {
		return outcome{}
	}
	if err := apply.Place(w.root, *s); err != nil {
		return fault(err)
	}
	for p := range w.seen {
		if p == s.Path || strings.HasPrefix(p, s.Path+"/") { // those lie in another mount now
			delete(w.seen, p)
		}
	}
	w.visible(s)
	w.remember(s)
	w.moved = true
	out := fault(apply.Note(w.root, w.plan.Entries))
	out.did = did
	return out
}

// remember notes what the mount of a file covers: what lies there when the mount is gone may be that, or something new.
func (w *watcher) remember(s *plan.Step) {
	was := w.seen[s.Path]
	if s.Dir || was.under.Kind != 0 {
		return
	}
	if t, err := w.root.Beneath(path.Dir(s.Path)); err == nil {
		was.under, _ = t.State(path.Base(s.Path))
		t.Close()
	}
}
