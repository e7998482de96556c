package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"anicca/internal/apply"
	"anicca/internal/baseline"
	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

// baselines is where the machine remembers until its end.
func (g globals) baselines() string { return filepath.Join(g.root, baseline.Dir) }

// reviewOf makes the review that was asked for.
func (g globals) reviewOf(user, since, silent bool) (seen, error) {
	if user {
		return g.reviewUser(since)
	}
	if os.Getuid() != 0 && g.root == "/" {
		return seen{}, exitError{exitFault, "the base is root's alone: run it with sudo, or add --user for your own home"}
	}
	if !since {
		return g.review(nil, silent)
	}
	from, err := baseline.Read(g.baselines(), sys.BootID())
	if err != nil {
		return seen{}, err
	}
	return g.review(from, silent)
}

// errNothing says that there is nothing to review.
var errNothing = errors.New("nothing was applied yet, so nothing is reset: run 'anicca apply'")

// settling is how long a boot may take to settle.
const settling = 10 * time.Minute

// baselineService takes the baseline of this boot as soon as no unit is being started any more.
func baselineService() error {
	r, err := boot.ReadRecord(boot.RecordPath)
	if err != nil || r == nil || r.Outcome == boot.Off || r.Outcome == boot.Unset {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), settling)
	defer cancel()
	_, _ = sys.Run(ctx, "systemctl", "is-system-running", "--wait") // it fails where some unit has
	g := globals{config: defaultConfig, root: "/"}
	if err := g.takeBaseline(io.Discard); !errors.Is(err, errNothing) {
		return err
	}
	return nil
}

// takeBaseline remembers what has changed so far.
func (g globals) takeBaseline(w io.Writer) error {
	if os.Getuid() != 0 {
		return exitError{exitFault, "a baseline names what lies in all homes: run it with sudo"}
	}
	return g.atDisk(func(s session) error {
		now := time.Now()
		// Before the changes are found, which may take long: whoever keeps or forgets something meanwhile writes this anew.
		told := s.known(now).Write(g.baselines())
		m := newMeasure(s.boot.Kept(), s.ignore, s.accounts.Users())
		all, err := finding{s.running, s.disk.Ledger().StorePath, w == io.Discard}.find(s.disk, s.base, m.look())
		if err == nil {
			err = baseline.Take(s.base.Number, all, sys.BootID(), now).Write(g.baselines())
		}
		if err := errors.Join(told, err); err != nil {
			return err
		}
		fmt.Fprintf(w, "--since-boot now leaves out what has changed so far: %s\n", ui.Many(len(all), "change"))
		return nil
	})
}

// tellUsers writes down anew what users have to know for a review of their homes, as f changes it: something is kept, or not any more, or there is
// another base. Where nothing was written in this boot yet, it is left to the service.
func (g globals) tellUsers(f func(*baseline.Known) error) {
	if g.root != "/" || os.Getuid() != 0 {
		return
	}
	k, err := baseline.ReadKnown(g.baselines(), sys.BootID())
	if errors.Is(err, baseline.ErrUnknown) {
		return
	}
	if err == nil {
		err = f(&k)
	}
	if err == nil {
		err = k.Write(g.baselines())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "anicca: what users see with 'anicca review --user' is as it was before; 'anicca review --baseline' tells them anew:", err)
	}
}

// tellKept tells users what is kept now, and what the declaration ignores, if that was evaluated.
func (g globals) tellKept(host *decl.Host) {
	g.tellUsers(func(k *baseline.Known) error {
		store, err := sys.OpenTree(k.Store)
		if err != nil {
			return err
		}
		defer store.Close()
		b, err := apply.Current(store)
		if err != nil || b == nil {
			return err
		}
		k.Kept = b.Kept()
		if host != nil {
			k.Ignore = host.Ignore
		}
		return nil
	})
}

// tellBase tells users of a base that was made from the running root.
func (g globals) tellBase(b root.Base) {
	g.tellUsers(func(k *baseline.Known) error {
		k.Base, k.Since, k.Volumes = b.Number, b.Made.Add(-tick), paths(b.Parts)
		return nil
	})
}

func paths(parts []root.Part) (out []string) {
	for _, p := range parts {
		out = append(out, p.Path)
	}
	return out
}

// session is the running root beside what the next reset returns to.
type session struct {
	disk     *root.Disk
	base     root.Base
	running  *sys.Tree
	boot     *plan.Boot
	ignore   []decl.Noise
	accounts *facts.Accounts
}

func (g globals) atDisk(f func(session) error) error {
	var s session
	var err error
	if s.running, err = sys.OpenTree(g.root); err != nil {
		return err
	}
	defer s.running.Close()
	if s.accounts, err = facts.ReadAccounts(os.DirFS(g.root)); err != nil {
		return err
	}
	if host, err := g.load(); err == nil { // while it is wrong, less is ignored
		s.ignore = host.Ignore
	}
	err = errors.New("the disk that roots are made on cannot be read: run it as root, on a machine that was set up by 'anicca init'")
	g.look(func(d *root.Disk, _ *sys.Tree) {
		s.disk = d
		if s.base, err = d.Base(); err != nil {
			return
		}
		var store *sys.Tree
		if store, err = s.running.Sub(d.Ledger().StorePath); err != nil {
			return
		}
		defer store.Close()
		if s.boot, err = apply.Current(store); err == nil && s.boot == nil {
			err = errNothing
		}
		if err == nil {
			err = f(s)
		}
	})()
	return err
}

// known is what users have to know.
func (s session) known(settled time.Time) baseline.Known {
	return baseline.Known{
		BootID: sys.BootID(), Base: s.base.Number, Since: s.since(), Settled: settled.UTC(), Kept: s.boot.Kept(), Ignore: s.ignore,
		Merged: s.disk.Backend() == decl.Overlay, Volumes: paths(s.base.Parts), Store: s.disk.Ledger().StorePath,
	}
}

// tick is by how much the kernel's times of changes may lag behind the clock.
const tick = 10 * time.Millisecond

// since is from when on changes are not in the base. Where that cannot be told, it is rather too early: too much is told then, never too little.
func (s session) since() time.Time {
	r, err := boot.ReadRecord(boot.RecordPath)
	if err != nil || r == nil {
		r = &boot.Record{}
	}
	at := s.base.Made
	old := s.disk.Ledger().Running.From
	switch {
	case old != "" && at.Before(r.When): // the root began as an old one, and the newest base knows nothing of that
		at = time.Time{}
		for _, o := range s.disk.Ledger().Archive {
			for _, b := range s.disk.Ledger().Bases {
				if o.ID == old && o.Base == b.Number {
					at = b.Made
				}
			}
		}
	case s.disk.Backend() != decl.Overlay || r.Outcome != boot.Done || r.Made == nil || r.Made.Base != s.base.Number:
	case r.When.After(at): // the base was written to until the boot that began to use it
		at = r.When
	}
	if at.IsZero() {
		return at
	}
	return at.Add(-tick)
}
