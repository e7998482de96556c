// Package watch sees to kept state while the machine runs: it saves carried files early, and heals links and mounts that
// programs have replaced. Each boot comes to the same on a root that lies on a disk; a root in memory needs the early saving.
//
// It listens to the directories that entries lie in, and above them; waits until it is quiet; then takes the lock of the store,
// reads the boot plan that is current, and looks at every entry that something happened to.
package watch

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// How long it waits: until nothing has happened for the first, but not longer than the second, which is also how long it rests
// after it has saved something; and before it tries again what could not be done, longer and longer.
var (
	quiet = time.Second
	limit = 10 * time.Second
	retry = 2 * time.Second
)

const mostRetry = time.Minute

// Options say what is watched.
type Options struct {
	Root   *sys.Tree    // of the running system
	Record *boot.Record // of this boot
	Again  string       // the file of that record, which later parts of the boot change; empty if nobody does
	State  string       // the file that tells others, see [ReadState]
	NoWho  bool         // do not ask who did it
	Say    func(string) // a line for the journal
}

// Main watches the running system until the process is told to end. Then it looks at everything once more.
func Main() error {
	r, err := boot.ReadRecord(boot.RecordPath)
	if err != nil || r == nil || r.StorePath == "" || r.Outcome == boot.Off || r.Outcome == boot.Unset {
		return err
	}
	t, err := sys.OpenTree("/")
	if err != nil {
		return err
	}
	defer t.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	return Run(Options{Root: t, Record: r, Again: boot.RecordPath, State: StatePath, Say: func(s string) { fmt.Println(s) }}, stop)
}

// Run watches until something comes from stop.
func Run(o Options, stop <-chan os.Signal) error {
	unlock, err := lockState(o.State)
	if err != nil {
		return err
	}
	defer unlock()
	w, err := begin(o)
	if err != nil {
		return err
	}
	defer w.events.Close()
	go func() {
		<-stop
		w.events.Stop()
	}()
	return w.run()
}

// begin listens, to nothing yet.
func begin(o Options) (*watcher, error) {
	events, err := sys.NewEvents(!o.NoWho)
	if err != nil {
		return nil, err
	}
	w := &watcher{
		o: o, root: o.Root, events: events, main: o.Record.StorePath, pending: map[string]*pending{},
		seen: map[string]*seen{}, mine: map[string]sys.State{}, ours: map[string]bool{}, came: map[string]bool{}, armed: map[string]armed{}, retry: retry, moved: true,
	}
	if s, err := readState(o.State); err == nil && s != nil && s.BootID == o.Record.BootID {
		w.state.Done = s.Done
	}
	w.state.BootID, w.state.Since, w.state.PID = o.Record.BootID, time.Now(), os.Getpid()
	return w, nil
}

type watcher struct {
	o      Options
	root   *sys.Tree
	events *sys.Events
	main   string // the store with anicca's own records

	plan    *plan.Boot // nil until something was applied
	moved   bool       // directories may have been replaced
	armed   map[string]armed
	pending map[string]*pending
	first   time.Time // since when something is pending that no settling was tried for
	due     time.Time // when to settle; zero if nothing is pending
	retry   time.Duration

	came  map[string]bool      // entries that were in place in this session
	seen  map[string]*seen     // how entries were when they were in place
	mine  map[string]sys.State // kept copies that we have put there
	ours  map[string]bool      // entries beside which lies what came out of an exchange just now
	rests time.Time            // since when nothing was saved
	saved bool                 // account files were saved in this session
	state State

	usable map[string]bool // stores that are there and locked
}

// pending is an entry to look at.
type pending struct {
	by    sys.Doer
	since time.Time
}

func (w *watcher) run() error {
	w.due = time.Now()
	for {
		if !w.due.IsZero() && !time.Now().Before(w.due) {
			w.settle(false)
		}
		wait := time.Duration(-1)
		if !w.due.IsZero() {
			wait = max(0, time.Until(w.due))
		}
		events, stopped, err := w.events.Wait(wait)
		if err != nil {
			return err
		}
		for _, e := range events {
			w.note(e, time.Now())
		}
		if stopped {
			return w.end()
		}
	}
}

// end looks at everything once more.
func (w *watcher) end() error {
	for range 30 { // somebody may have the lock
		w.all(time.Now())
		if w.settle(true) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.state.Ended = true
	return w.state.write(w.o.State)
}

// settle looks at what is pending. It reports whether it could: somebody else may be at work.
func (w *watcher) settle(final bool) bool {
	w.first, w.due = time.Time{}, time.Time{}
	done, err := true, w.load() // its stores are locked
	if err == nil {
		done, err = w.locked(func() error {
			if err := w.load(); err != nil {
				return err
			}
			w.heal(final)
			return nil
		})
	}
	w.tell(w.main, outcome{wrong: text(err)}, nil)
	if !done || len(w.pending) > 0 || err != nil {
		w.due = time.Now().Add(w.retry)
		w.retry = min(2*w.retry, mostRetry)
	}
	if err := w.state.write(w.o.State); err != nil {
		w.o.Say(err.Error())
	}
	return done
}

// locked does something while nobody else changes the stores; not at all if somebody does.
func (w *watcher) locked(f func() error) (done bool, err error) {
	stores := []string{w.main}
	if w.plan != nil {
		for i := range w.plan.Stores {
			if p := w.plan.Stores[i].Path; p != w.main {
				stores = append(stores, p)
			}
		}
	}
	w.usable = map[string]bool{}
	for _, s := range stores {
		if !w.root.IsMounted(s) { // what lies in its place must not be taken for it
			continue
		}
		unlock, err := apply.Lock(w.root, s)
		if errors.Is(err, sys.ErrLocked) {
			return false, nil
		}
		if err != nil && s == w.main {
			return false, err
		}
		if err != nil { // it takes no writes
			continue
		}
		defer unlock()
		w.usable[s] = true
	}
	return true, f()
}

func text(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// load reads the current boot plan and watches what it needs, as far as anything has changed.
func (w *watcher) load() error {
	if w.o.Again != "" {
		if r, err := boot.ReadRecord(w.o.Again); err == nil && r != nil && r.BootID == w.o.Record.BootID {
			w.o.Record = r
		}
	}
	if !w.root.IsMounted(w.main) {
		return errors.New("the store is not mounted: nothing is watched")
	}
	store, err := w.root.Sub(w.main)
	if err != nil {
		return err
	}
	b, err := apply.Current(store)
	store.Close()
	if err != nil {
		return err
	}
	if w.plan == nil || b == nil || b.Generation != w.plan.Generation {
		w.moved = true
		w.plan = b
		w.all(time.Now())
	}
	return w.arm()
}
