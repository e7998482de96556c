package changes

import (
	"errors"
	"io/fs"
	"path"
	"slices"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// walker goes through directories, one at a time.
type walker struct {
	finder
	*walk
	known  *Known
	keep   bool // what is found out is to be known later
	prints []uint64
	set    map[uint64]bool // the same, where they are not in order
	below  []string        // directories to look at later
	unlike []node          // what the base has not, or not in the same state
}

func newWalker(w *walk, look Look) *walker {
	out := &walker{finder: finder{Look: look, same: sameFile}, walk: w, known: look.Known, keep: true, set: map[uint64]bool{}}
	if out.known == nil {
		out.known, out.keep = NewKnown("", nil), false
		out.known.load()
	}
	return out
}

func (w *walker) run() {
	for {
		at, ok := w.next()
		if !ok {
			return
		}
		w.below, w.unlike, w.prints = w.below[:0], w.unlike[:0], w.prints[:0]
		err := gone(w.dir(at))
		w.done(w.below, err)
		sys.Yield()
	}
}

// dir compares what lies in a directory.
func (w *walker) dir(at string) error {
	t, err := w.now.Sub(at)
	if err != nil {
		return err
	}
	defer t.Close()
	now, was := plain{t, w.now.mount}, lazy{top: w.was, at: at}
	defer was.close()
	if err := w.read(&was); err != nil {
		return err
	}
	missing, err := w.match(now, at)
	if err != nil || missing == 0 && len(w.unlike) == 0 {
		return err
	}
	if err := was.open(); err != nil {
		return err
	}
	for _, n := range w.unlike {
		had, err := w.one(was.plain, now, n, join(at, n.Name))
		if err := gone(err); err != nil {
			return err
		}
		if had {
			missing--
		}
	}
	if missing == 0 {
		return nil
	}
	return w.deleted(was.plain, now, at)
}

// lazy is a directory of the base, which is opened only if it is needed.
type lazy struct {
	plain
	top plain
	at  string
}

func (l *lazy) open() error {
	if l.Tree != nil {
		return nil
	}
	t, err := l.top.Sub(l.at)
	l.plain = plain{t, l.top.mount}
	return err
}

func (l *lazy) close() {
	if l.Tree != nil {
		l.Tree.Close()
	}
}

// read gets the prints of what lies in a directory of the base.
func (w *walker) read(was *lazy) (err error) {
	at, ok := path.Join(w.under, was.at), false
	if w.prints, ok = w.known.of(at, w.prints); ok {
		return nil
	}
	if err := was.open(); err != nil {
		return err
	}
	err = was.Each(func(name []byte, s *sys.Stat) error {
		p := uint64(0) // of what is mounted there nothing is known
		if s.MountID == was.mount {
			p = w.known.print(name, s)
		}
		w.prints = append(w.prints, p)
		return nil
	})
	if err == nil && w.keep {
		w.known.note(at, w.prints)
	}
	return err
}

// match reads a directory of the root, and finds out what in it is unlike all in the base's; it returns how many of those were not found.
func (w *walker) match(now plain, at string) (missing int, err error) {
	clear(w.set)
	next, all, seen := 0, w.prints, 0
	missing = len(all)
	err = now.Each(func(name []byte, s *sys.Stat) error {
		seen++
		if s.MountID == now.mount {
			p := w.known.print(name, s)
			same := false
			switch { // mostly in the same order
			case next < len(all) && all[next] == p:
				same, next = true, next+1
			case next+1 < len(all) && all[next+1] == p:
				same, next = true, next+2
			default:
				if len(w.set) == 0 {
					for _, q := range all {
						w.set[q] = true
					}
				}
				same = w.set[p]
			}
			if same {
				missing--
				if s.IsDir() {
					if p := join(at, string(name)); !w.passes(p) {
						w.below = append(w.below, p)
					}
				}
				return nil
			}
		}
		n := node{Entry: sys.Entry{Name: string(name), Stat: *s}, tree: now.Tree, real: string(name), foreign: s.MountID != now.mount}
		w.unlike = append(w.unlike, n)
		return nil
	})
	w.saw(seen)
	return missing, err
}

// one compares a thing in the root with what the base has in its place, if anything.
func (w *walker) one(was, now plain, n node, at string) (had bool, err error) {
	a, err := was.entry(n.Name)
	had = err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return had, err
	case w.passes(at), n.foreign, had && a.foreign:
		return had, nil
	case !had:
		return had, w.whole(now, n, at, review.Added)
	case a.IsDir() && n.IsDir():
		w.below = append(w.below, at)
		return had, w.object(a, n, at)
	}
	return had, w.pair(was, a, now, n, at)
}

// deleted tells what only the base has in a directory.
func (w *walker) deleted(was, now plain, at string) error {
	old, err := was.List(".")
	if err != nil {
		return err
	}
	names, err := now.List(".")
	if err != nil {
		return err
	}
	for _, name := range old {
		p := join(at, name)
		if _, has := slices.BinarySearch(names, name); has || w.passes(p) {
			continue
		}
		a, err := was.entry(name)
		if err == nil && !a.foreign {
			err = w.whole(was, a, p, review.Deleted)
		}
		if err := gone(err); err != nil {
			return err
		}
	}
	return nil
}
