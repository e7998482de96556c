package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/recall"
	"anicca/internal/review"
	"anicca/internal/survey"
	"anicca/internal/ui"
)

// lost brings back what the last session had, the most valued first.
func (o restoring) lost(g globals, w io.Writer, m *recall.Machine, paths []string) error {
	old, err := m.Old(recall.Last)
	if err != nil {
		return err
	}
	by, err := g.judges()
	if err != nil {
		return err
	}
	if o.noise {
		by.sieve = noise.New(nil, nil)
	}
	m.Missing = o.missing
	return with(m, old.ID, func(v *recall.View) error {
		var losses []recall.Loss
		for _, p := range paths {
			some, err := m.Losses(v, old, p)
			if err != nil {
				return err
			}
			losses = append(losses, some...)
		}
		lost, err := m.Sift(v, losses, paths, by.scale, by.sieve, func(all []review.Change) review.Origins { return wrote(m, v, all, by.users) })
		switch {
		case err != nil:
			return err
		case len(lost.Items) == 0:
			fmt.Fprintf(w, "there is nothing that %s had made or changed and that is missing now\n", v.Name)
			ui.LostNoise(w, lost)
			return nil
		case o.ask && !o.dry:
			ui.LostNoise(w, lost)
			a := asking{w: w, m: m, from: v}
			_, err := a.each(o.things(lost), "all")
			a.end()
			return nobody(err)
		}
		return o.bring(w, m, v, lost)
	})
}

// judges are those of this machine. Whoever wants something back needs no valid declaration for it.
func (g globals) judges() (by measure, err error) {
	accounts, err := g.accounts()
	if err != nil {
		return by, err
	}
	var ignore []decl.Noise
	if host, err := g.load(); err == nil {
		ignore = host.Ignore
	} else if _, none := os.Stat(g.config); !errors.Is(none, os.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "note: what %s ignores is shown too, as it is not valid: 'anicca check' says why\n", g.config)
	}
	return newMeasure(nil, ignore, accounts.Users()), nil
}

// wrote asks the old root itself who wrote what: it has the package database of its session, and the running root the one of before. The
// database of rpm is not asked, as its program would write to it.
func wrote(m *recall.Machine, v *recall.View, all []review.Change, users []decl.Account) review.Origins {
	t, err := v.Tree()
	if err != nil {
		return review.Origins{}
	}
	return originsIn(survey.Question{FS: t.LinklessFS(), Base: m.Root.FS()}, all, users)
}

// bring brings all of it back, after one question.
func (o restoring) bring(w io.Writer, m *recall.Machine, v *recall.View, lost *recall.Lost) error {
	var actions []recall.Action
	for _, i := range lost.Items {
		for _, l := range lost.Of(i) {
			actions = append(actions, l.Actions...)
		}
	}
	if o.all {
		ui.Actions(w, v.Name, actions)
	} else {
		ui.Lost(w, v.Name, lost, time.Now().Unix())
	}
	ui.LostNoise(w, lost)
	if o.dry {
		return nil
	}
	if !o.yes {
		ok, err := ui.Confirm(fmt.Sprintf("Bring all of this back (%d)?", len(actions)))
		if err != nil {
			return nobody(err)
		}
		if !ok {
			return exitError{exitFault, "nothing was done"}
		}
	}
	err := do(w, m, job{v, actions})
	ui.LostAgain(w)
	return err
}
