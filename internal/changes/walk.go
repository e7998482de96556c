package changes

import (
	"errors"
	"runtime"
	"sync"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// Walk finds the changes by going through the root, and through as much of the base as is not known already, see [Known], on all processors. Where
// two things are not one object, a file whose size and time of change are the same to the nanosecond is taken to be the same; times without a
// fraction are not trusted, as programs set such.
func Walk(base, root *sys.Tree, look Look) ([]review.Change, error) {
	was, err := viewOf(base)
	if err != nil {
		return nil, err
	}
	now, err := viewOf(root)
	if err != nil {
		return nil, err
	}
	if look.Known != nil {
		look.Known.load()
	}
	w := walk{was: was, now: now, todo: []string{"/"}}
	w.more.L = &w.mu
	top := finder{Look: look, same: sameFile}
	if err := top.selves(was, now); err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	walkers := make([]*walker, runtime.GOMAXPROCS(0))
	for i := range walkers {
		walkers[i] = newWalker(&w, look)
		all.Go(walkers[i].run)
	}
	all.Wait()
	for i := range walkers {
		top.found = append(top.found, walkers[i].found...)
	}
	return top.sorted(), w.err
}

// walk is what walkers have in common. A directory is opened by its path when its turn comes: so there are as many of them open as walkers, however
// wide or deep the trees are.
type walk struct {
	was, now plain

	mu   sync.Mutex
	more sync.Cond
	todo []string // directories that both have, the newest first, so that the list stays short
	busy int
	err  error
}

// next returns a directory to look at. The walk is at its end when none is left and nobody may find more.
func (w *walk) next() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil {
		if n := len(w.todo); n > 0 {
			at := w.todo[n-1]
			w.todo = w.todo[:n-1]
			w.busy++
			return at, true
		}
		if w.busy == 0 {
			break
		}
		w.more.Wait()
	}
	w.more.Broadcast()
	return "", false
}

// done says that a directory was looked at, and what lies in it.
func (w *walk) done(below []string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	w.todo = append(w.todo, below...)
	w.err = errors.Join(w.err, err)
	w.more.Broadcast()
}
