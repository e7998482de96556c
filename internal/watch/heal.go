package watch

import (
	"errors"
	"io/fs"
	"path"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// outcome is how looking at an entry came out. The zero value says that all is well.
type outcome struct {
	did   string // what was done, a sentence without the path
	wrong string // what hinders, with what to type
	later bool   // it has to be tried again
}

// fault is the outcome of an error, if it is one.
func fault(err error) outcome {
	if err == nil {
		return outcome{}
	}
	if err == sys.ErrBusy || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) { // programs are at work there
		return outcome{later: true}
	}
	return outcome{wrong: err.Error(), later: true}
}

// seen is how an entry was while it was in place.
type seen struct {
	over  uint64    // the mount that it lies in
	under sys.State // what its mount covers; the zero value if that is not known
}

// heal looks at everything that is pending. What has to wait stays so.
func (w *watcher) heal(final bool) {
	work := w.pending
	w.pending = map[string]*pending{}
	if w.plan == nil {
		return
	}
	accounts := false
	there := map[string]bool{}
	for i := range w.plan.Entries {
		s := &w.plan.Entries[i]
		there[s.Path] = true
		accounts = accounts || work[s.Path] != nil && s.Kind == plan.Carry && apply.IsAccount(s.Path)
	}
	for _, n := range w.state.Wrong {
		if !there[n.Path] {
			w.state.wrong(n.Path, "")
		}
	}
	var carried []plan.Step
	for i := range w.plan.Entries { // those above others first
		s := &w.plan.Entries[i]
		at := work[s.Path]
		switch {
		case !w.usable[s.Store]:
		case s.Kind == plan.Carry:
			if (at != nil || accounts && apply.IsAccount(s.Path)) && w.carries(s.Path) {
				carried = append(carried, *s)
			}
		case at == nil || s.Kind == plan.Copy || !w.arrived(s):
		case !w.visible(s):
			w.tell(s.Path, outcome{wrong: "another mount hides it: unmount that, or run 'anicca apply'"}, at)
		case s.Kind == plan.Symlink:
			w.tell(s.Path, w.link(s), at)
		default:
			w.tell(s.Path, w.mount(s, final), at)
		}
	}
	w.save(carried, work, final)
}

// carries reports whether a file was placed in this session. What lies in place of one that could not be is the base's, and no change.
func (w *watcher) carries(p string) bool {
	found := false
	for i := range w.o.Record.Entries {
		e := &w.o.Record.Entries[i]
		if e.Path == p || apply.IsAccount(p) && apply.IsAccount(e.Path) { // those are one set
			if e.State != boot.Placed && e.State != boot.Waiting {
				return false
			}
			found = found || e.Path == p
		}
	}
	return found || w.o.Record.Generation != w.plan.Generation // it was applied since
}

// arrived reports whether an entry was in place in this session. As long as it waits for its store or for a filesystem, what lies
// there is the base's, or of programs that found nothing; and where the boot has refused to choose, so does the watcher.
func (w *watcher) arrived(s *plan.Step) bool {
	if w.came[s.Path] {
		return true
	}
	is := true
	for i := range w.o.Record.Entries {
		if e := &w.o.Record.Entries[i]; e.Path == s.Path {
			is = e.State == boot.Placed || e.State == boot.Waiting || e.State == boot.Missed && (s.Kind == plan.Bind || w.o.Record.Lost(s.Path))
		}
	}
	is = is || apply.Verify(w.root, *s) == nil
	w.came[s.Path] = is
	return is
}

// tell notes how an entry came out.
func (w *watcher) tell(p string, out outcome, at *pending) {
	if at == nil { // it came along with others
		at = &pending{}
	}
	if out.later {
		w.pending[p] = at
	}
	if out.did != "" {
		w.state.did(Note{time.Now(), p, out.did, at.by.String()})
		w.o.Say(p + ": " + out.did + ": changed by " + at.by.String())
	}
	if w.state.wrong(p, out.wrong) {
		w.o.Say(p + ": " + out.wrong)
	}
}

// visible reports whether an entry lies in the mount that it has always lain in. A directory that is mounted over it is
// none of ours to make something in.
func (w *watcher) visible(s *plan.Step) bool {
	x := w.seen[s.Path]
	if x == nil {
		x = &seen{}
		w.seen[s.Path] = x
	}
	over := w.root.MountID(path.Dir(s.Path))
	if x.over == 0 {
		x.over = over
	}
	return over == 0 || over == x.over
}

// differs reports whether two files differ in anything but their times.
func (w *watcher) differs(a, b string) (bool, error) {
	diff, err := sys.Compare(w.root, a, w.root, b, 1) // times come last
	return len(diff) > 0 && diff[0].What != sys.TimeDiffers, err
}

// grain is how far apart two changes of a file must lie for its times to tell them apart.
const grain = 20 * time.Millisecond

// take makes the file at the path at the kept copy of an entry, and returns how the file was then. The former kept copy is put
// aside, unless it is only what this session has put there itself. The error is [sys.ErrBusy] while a program writes to the file.
func (w *watcher) take(s *plan.Step, at string) (was sys.State, err error) {
	h, err := w.root.Hold(at)
	if err != nil {
		return was, err
	}
	h.Release()
	was = h.State
	if age := time.Now().UnixNano() - was.Ctime; age < int64(grain) {
		time.Sleep(grain)
	}
	kept, err := w.root.State(s.Source)
	if err == nil && kept.Kind == 0 {
		_, err = apply.AdoptMissing(w.root, at, w.root, *s)
		return was, err
	}
	if err != nil {
		return was, err
	}
	if differ, err := w.differs(at, s.Source); err != nil || !differ {
		return was, err
	}
	if w.mine[s.Path] != kept {
		if err := w.aside(s, s.Source, "the kept copy of before"); err != nil {
			return was, err
		}
		// Once is enough, also if there is no room for the new one and this is tried again and again.
		if w.mine[s.Path], err = w.root.State(s.Source); err != nil {
			return was, err
		}
	}
	if err = sys.Put(w.root, at, w.root, s.Source, true); err == nil {
		w.mine[s.Path], err = w.root.State(s.Source)
	}
	if err == nil {
		err = w.sync(path.Dir(s.Source))
	}
	return was, err
}

// aside puts a version of an entry where the user finds it.
func (w *watcher) aside(s *plan.Step, p, what string) error {
	at, err := apply.Aside(w.root, w.main, *s, p)
	if err == nil {
		w.o.Say(s.Path + ": " + what + " is " + at)
		err = w.sync(w.main)
	}
	return err
}

func (w *watcher) sync(p string) error {
	t, err := w.root.Sub(p)
	if err == nil {
		err = t.Sync()
		t.Close()
	}
	return err
}

// hold takes a file that is still as it was when its content was taken, so that nobody can write to it. It returns nil if it is
// not any more.
func (w *watcher) hold(p string, was sys.State) *sys.Held {
	h, err := w.root.Hold(p)
	if err != nil {
		return nil
	}
	if h.State != was {
		h.Release()
		return nil
	}
	return h
}
