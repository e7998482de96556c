package watch

import (
	"slices"
	"time"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// locks reports whether a program is changing accounts, such as vipw, which may go on for hours: that is not waited for here, as others
// wait for us.
func (w *watcher) locks(steps []plan.Step, final bool) bool {
	if final || !slices.ContainsFunc(steps, func(s plan.Step) bool { return apply.IsAccount(s.Path) }) {
		return false
	}
	unlock, err := w.root.LockAccounts(0)
	unlock()
	return err != nil
}

// save gives the store what programs have changed in carried files, all at once: account databases are one set. A file that a program
// is writing to is waited for, but not for ever; an account database is, as half of one locks people out.
func (w *watcher) save(steps []plan.Step, work map[string]*pending, final bool) {
	if !final && time.Since(w.rests) < limit { // disks are to rest, too
		for i := range steps {
			if at := work[steps[i].Path]; at != nil {
				w.pending[steps[i].Path] = at
			}
		}
		return
	}
	accounts := w.locks(steps, final)
	busy := map[string]bool{}
	for i := range steps {
		p := steps[i].Path
		h, err := w.root.Hold(p)
		if err == nil {
			h.Release()
		}
		if err == sys.ErrBusy {
			accounts = accounts || apply.IsAccount(p)
			busy[p] = !final && work[p] != nil && time.Since(work[p].since) < limit
		}
	}
	var now []plan.Step
	for i := range steps {
		p := steps[i].Path
		switch {
		case !busy[p] && !(accounts && apply.IsAccount(p)):
			now = append(now, steps[i])
		case work[p] != nil:
			w.pending[p] = work[p]
		}
	}
	out, err := apply.Save(w.root, w.plan, w.o.Record.CarryID(), w.saved, now)
	if err != nil {
		w.o.Say("what was saved could not be written down: " + err.Error())
	}
	for p, c := range out {
		o := fault(c.Err)
		o.later = false // it is tried again when something happens to it
		if c.Took && c.Err == nil {
			o.did = Saved
			w.rests = time.Now()
			w.saved = w.saved || apply.IsAccount(p)
		}
		for _, s := range c.Said {
			w.o.Say(s)
		}
		w.tell(p, o, work[p])
	}
}
