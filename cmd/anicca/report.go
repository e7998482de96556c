package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/plan"
	"anicca/internal/report"
	"anicca/internal/review"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/tell"
	"anicca/internal/ui"
)

// full is what an administrator finds in [tell.StatePath].
type full struct {
	report.State
	Review review.Review `json:"review"`
}

// looked is what is seen in one look at the machine.
type looked struct {
	full
	plan    *plan.Boot
	machine report.Machine
}

// settle is how long whoever changes what is kept, which starts a report too, is given to come to an end.
const settle = time.Second

// report looks what the next reset would drop, and tells. It does so again if other things are kept meanwhile.
func (g globals) report() error {
	for {
		time.Sleep(settle)
		of, err := g.reportOnce()
		if err != nil || of == nil {
			return err
		}
		t, err := sys.OpenTree(g.root)
		if err != nil {
			return err
		}
		b, err := current(t, of.Stores[0].Path)
		t.Close()
		if err != nil || b == nil || b.Generation == of.Generation {
			return err
		}
	}
}

// reportOnce returns the boot plan that the report goes by; nil where there was no report.
func (g globals) reportOnce() (*plan.Boot, error) {
	host, err := g.load()
	if err != nil {
		return nil, err
	}
	t, err := sys.OpenTree(g.root)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if host.Report.Off {
		return nil, tell.Forget(t, host.Report.Metrics)
	}
	before := counted(t)
	if before != nil && !before.Due(time.Now().Unix()) {
		return nil, nil
	}
	l, err := g.reported(host, before)
	if err != nil || l == nil {
		return nil, err
	}
	at := time.Unix(l.When, 0).Format("15:04")
	err = tell.Write(t, l.State, tell.Options{
		Login: !host.Report.NoLogin, Desktop: !host.Report.NoDesktop, All: l.full,
		Lines: func(p report.Person) []string { return ui.Told(l.Report, p, at) },
	})
	err = errors.Join(err, tell.Metrics(t, host.Report.Metrics, report.Metrics(l.Report, l.machine)))
	if before == nil || !before.Same(l.Report) {
		err = errors.Join(err, tell.Journal(tell.JournalSocket, report.Entry(l.Report, report.Counted, ui.Counted(l.Report))))
	}
	return l.plan, err
}

// counted is what the last report was made from, nil if there was none. What cannot be read is as if there was none: this is who writes
// it anew.
func counted(t *sys.Tree) *report.State {
	before, err := tell.ReadState(t)
	if err != nil {
		fmt.Fprintln(os.Stderr, "anicca:", err)
	}
	return before
}

// leave says at shutdown what goes with the session.
func (g globals) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if !tell.Leaving(ctx) {
		return nil
	}
	host, err := g.load()
	if err != nil || host.Report.Off || host.Report.NoShutdown {
		return err
	}
	t, err := sys.OpenTree(g.root)
	if err != nil {
		return err
	}
	defer t.Close()
	before := counted(t)
	r := report.Report{}
	if before != nil && before.Took > report.Quick {
		r = before.Report // there is no time to look again
	} else {
		l, err := g.reported(host, before)
		if err != nil || l == nil {
			return err
		}
		r = l.Report
	}
	lines := ui.Leaving(r)
	if len(lines) == 0 {
		return nil
	}
	text := strings.Join(lines, "\n")
	tell.Console(text)
	return errors.Join(
		tell.Journal(tell.JournalSocket, report.Entry(r, report.Leaving, strings.TrimPrefix(lines[0]+" "+strings.TrimSpace(lines[1]), "anicca: "))),
		tell.Wall(text),
	)
}

// notify shows whoever runs it what is new.
func notify() error {
	return tell.DeskOf(os.Getenv("HOME"), fmt.Sprintf("%s/%d.json", tell.PeoplePath, os.Getuid())).Notify()
}

// reported looks at the machine. It is nil where nothing was applied yet, so that no boot resets anything.
func (g globals) reported(host *decl.Host, before *report.State) (*looked, error) {
	from := time.Now()
	r, err := boot.ReadRecord(boot.RecordPath)
	if err != nil || r == nil {
		return nil, cmp.Or(err, errors.New("there is no record of this boot"))
	}
	f, err := g.facts(host)
	if err != nil {
		return nil, err
	}
	m, done, err := g.machine()
	if err != nil {
		return nil, err
	}
	defer done()
	main, _ := f.MainStore(host)
	l := &looked{}
	if l.plan, err = current(m.Root, main.Path); err != nil || l.plan == nil {
		return nil, err
	}
	var goes bool
	var why string
	err = errors.New("the disk that roots are made on cannot be read")
	g.look(func(d *root.Disk, base *sys.Tree) {
		if l.Review, err = g.reviewDisk(d, base, finding{m.Root, main.Path, true}, newMeasure(l.plan.Kept(), host.Ignore, f.Accounts.Users()), nil); err == nil {
			goes, why, err = r.Ahead(d, l.plan.Reset)
			l.machine = monitored(d, r)
		}
	})()
	if err != nil {
		return nil, err
	}
	l.State = report.Make(l.Review, people(f.Accounts), before)
	l.When, l.Took, l.Goes, l.Why = from.Unix(), time.Since(from).Seconds(), goes, why
	return l, nil
}

// current is the boot plan in the main store.
func current(t *sys.Tree, store string) (*plan.Boot, error) {
	kept, err := t.Sub(store)
	if err != nil {
		return nil, err
	}
	defer kept.Close()
	return apply.Current(kept)
}

// admins are the groups whose members may become root, by the distributions' own configuration of sudo.
var admins = []string{"sudo", "wheel", "admin"}

// people are who is told something.
func people(a *facts.Accounts) map[string]report.Person {
	out := map[string]report.Person{}
	for _, u := range a.Users() {
		if u.Person() {
			out[u.Name] = report.Person{UID: u.UID, GID: u.GID, Admin: u.UID == 0 || a.In(u, admins...)}
		}
	}
	return out
}

// monitored is what a monitoring system is told beside the report.
func monitored(d *root.Disk, r *boot.Record) report.Machine {
	l := d.Ledger()
	m := report.Machine{Outcome: string(r.Outcome), Problems: len(r.Problems), Roots: len(l.Archive)}
	for _, o := range boot.Outcomes {
		m.Outcomes = append(m.Outcomes, string(o))
	}
	for _, o := range l.Archive { // the root in place was made when the one before was put away
		m.Reset = max(m.Reset, o.When.Unix())
	}
	if b, err := d.Base(); err == nil {
		m.Made = b.Made.Unix()
	}
	if used, size, err := root.RAM(); err == nil {
		m.Used, m.Memory = used, size
	}
	return m
}
