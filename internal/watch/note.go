package watch

import (
	"path"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// all makes every entry one to look at.
func (w *watcher) all(now time.Time) {
	if w.plan == nil {
		return
	}
	for i := range w.plan.Entries {
		w.mark(w.plan.Entries[i].Path, sys.Doer{}, now)
	}
}

func (w *watcher) mark(p string, by sys.Doer, now time.Time) {
	x := w.pending[p]
	if x == nil {
		x = &pending{since: now}
		w.pending[p] = x
	}
	if by.PID != 0 {
		x.by = by
	}
}

// note marks what an event concerns.
func (w *watcher) note(e sys.Event, now time.Time) {
	before := len(w.pending)
	hit := e.Lost || w.moved
	switch {
	case e.Lost:
		w.moved = true
		w.all(now)
	case e.Mounts:
		hit = w.mountsMoved(now)
	}
	for _, d := range e.Dirs {
		hit = w.named(path.Join(d, e.Name), e.By, now) || hit
	}
	if hit || len(w.pending) > before {
		if w.first.IsZero() {
			w.first = now
		}
		w.retry = retry
		w.due = now.Add(quiet)
		if last := w.first.Add(limit); w.due.After(last) {
			w.due = last
		}
	}
}

// mountsMoved marks what a change of the mounts concerns, and reports whether that is anything.
func (w *watcher) mountsMoved(now time.Time) (hit bool) {
	if w.plan == nil {
		return true
	}
	for i := range w.plan.Stores {
		s := &w.plan.Stores[i]
		if w.root.IsMounted(s.Path) != w.usable[s.Path] {
			w.all(now)
			hit = true
		}
	}
	for i := range w.plan.Entries {
		s := &w.plan.Entries[i]
		if s.Kind == plan.Bind && apply.Verify(w.root, *s) != nil {
			w.mark(s.Path, sys.Doer{}, now)
			hit = true
		}
	}
	for _, x := range w.state.Wrong {
		w.mark(x.Path, sys.Doer{}, now)
		hit = true
	}
	return w.arms() || hit
}

// named marks what an event at a path concerns, and reports whether that is anything.
func (w *watcher) named(p string, by sys.Doer, now time.Time) (hit bool) {
	if p == path.Join(w.main, decl.StateDir, "current") {
		return true
	}
	if w.plan == nil {
		return false
	}
	for i := range w.plan.Entries {
		s := &w.plan.Entries[i]
		switch {
		case !watched(s):
		case s.Path == p:
			w.mark(p, by, now)
			hit = true
		case strings.HasPrefix(s.Path, p+"/"):
			w.mark(s.Path, by, now)
			w.moved, hit = true, true
		}
	}
	return hit
}
