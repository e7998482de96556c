package watch

import (
	"path"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

var later = outcome{later: true}

// link looks at a link to a kept copy.
func (w *watcher) link(s *plan.Step) outcome {
	if out := w.leftover(s, w.ours[s.Path]); out != (outcome{}) {
		return out
	}
	if s.Dir && apply.Verify(w.root, *s) == nil { // it may be a mount in this session
		return outcome{}
	}
	there, err := w.root.State(s.Path)
	if err != nil {
		return fault(err)
	}
	switch {
	case there.Kind == 0:
		return w.relink(s)
	case there.Kind == 'f' && !s.Dir:
		return w.replaced(s)
	case there.Kind == 'd' && s.Dir:
		return w.directory(s)
	}
	switch there.Kind {
	case 'l':
		if target, err := w.root.Readlink(s.Path); err != nil || target != s.Source {
			return outcome{wrong: "is a symbolic link to " + target + ", not to its kept copy: remove it, then run 'anicca apply'"}
		}
		return outcome{}
	}
	return outcome{wrong: "something lies there that is neither its link nor could be: move it away, then run 'anicca apply'"}
}

// directory puts the link to a directory back where a program has made one of its own, as long as that is empty.
func (w *watcher) directory(s *plan.Step) outcome {
	empty, err := w.root.Empty(s.Path)
	if err != nil {
		return fault(err)
	}
	if !empty {
		return outcome{wrong: "a program has replaced the link by a directory with data: compare it with " + s.Source +
			", move the one away that you do not want, then run 'anicca apply'"}
	}
	if err := w.root.Remove(s.Path); err != nil { // unless something was put into it meanwhile
		return fault(err)
	}
	out := w.relink(s)
	if out.did != "" {
		out.did = "the link was replaced by an empty directory, and is put back"
	}
	return out
}

// relink puts a link back that was removed, once its directory is there.
func (w *watcher) relink(s *plan.Step) outcome {
	if dir := path.Dir(s.Path); w.root.MountID(dir) == 0 || w.root.MountID(s.Source) == 0 {
		return outcome{}
	}
	if err := w.root.LinkNew(s.Source, s.Path); err != nil { // or a program was faster
		return fault(err)
	}
	return outcome{did: "the link was removed, and is put back"}
}

// replaced takes what a program has written in place of a link into the store, and puts the link back.
func (w *watcher) replaced(s *plan.Step) outcome {
	was, err := w.take(s, s.Path)
	if err != nil {
		return fault(err)
	}
	if w.root.MountID(s.Source) == 0 { // an empty file, and there was nothing to keep yet
		return outcome{}
	}
	aside := apply.Beside(s.Path)
	if err := w.root.LinkNew(s.Source, aside); err != nil {
		return fault(err)
	}
	h := w.hold(s.Path, was)
	if h == nil {
		out := fault(w.root.Remove(aside))
		out.later = true
		return out
	}
	err = w.root.Exchange(aside, s.Path)
	if sys.IsNoExchange(err) { // the path is missing for a moment
		if err = w.root.Remove(aside); err == nil {
			err = w.root.Rename(s.Path, aside)
		}
		if err == nil {
			err = w.root.LinkNew(s.Source, s.Path)
		}
	}
	h.Release()
	if err != nil {
		return fault(err)
	}
	if out := w.leftover(s, true); out != (outcome{}) {
		return out
	}
	return outcome{did: "the link was replaced by a file: what it holds is kept, and the link is put back"}
}

// leftover removes what lies beside a link when an exchange was done. A program may have written anew just before that: then what
// came out is newer than the kept copy, and is taken. After a power cut nobody knows that, and it is put aside.
func (w *watcher) leftover(s *plan.Step, fresh bool) outcome {
	p := apply.Beside(s.Path)
	there, err := w.root.State(p)
	if err != nil || there.Kind == 0 {
		return outcome{} // what hinders is told of the link itself
	}
	if target, err := w.root.Readlink(p); err == nil && target == s.Source {
		return fault(w.root.Remove(p))
	}
	if there.Kind != 'f' {
		return outcome{wrong: p + " is in the way: move it away"}
	}
	if !fresh {
		differ, err := w.differs(p, s.Source)
		if differ && err == nil {
			err = w.aside(s, p, "a power cut came while the link was put back: what a program had written there")
		}
		if err != nil {
			return fault(err)
		}
		return fault(w.root.Remove(p))
	}
	w.ours[s.Path] = true // until it is gone
	was, err := w.take(s, p)
	if err != nil {
		return fault(err)
	}
	h := w.hold(p, was)
	if h == nil {
		return later
	}
	err = w.root.Remove(p)
	h.Release()
	if err == nil {
		delete(w.ours, s.Path)
	}
	return fault(err)
}
