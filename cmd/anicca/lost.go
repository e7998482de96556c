package main

import (
	"fmt"
	"io"

	"anicca/internal/recall"
	"anicca/internal/ui"
)

// lost brings back what the last session had.
func (o restoring) lost(w io.Writer, m *recall.Machine, paths []string) error {
	old, err := m.Old(recall.Last)
	if err != nil {
		return err
	}
	return with(m, old.ID, func(v *recall.View) error {
		var losses []recall.Loss
		for _, p := range paths {
			some, err := m.Losses(v, old, p)
			if err != nil {
				return err
			}
			for _, l := range some {
				if l.Actions = o.wanted(l.Actions); len(l.Actions) > 0 {
					losses = append(losses, l)
				}
			}
		}
		if len(losses) == 0 {
			fmt.Fprintf(w, "there is nothing that %s had made or changed and that is missing now\n", v.Name)
			return nil
		}
		if o.ask && !o.dry {
			return nobody(one(w, m, v, losses))
		}
		j := job{from: v}
		for _, l := range losses {
			j.actions = append(j.actions, l.Actions...)
		}
		return carryOut(w, m, []job{j}, true, o.dry, o.yes, fmt.Sprintf("Bring all of this back (%d)?", len(j.actions)))
	})
}

// one asks for each loss.
func one(w io.Writer, m *recall.Machine, v *recall.View, losses []recall.Loss) error {
	all := false
	for i := 0; i < len(losses); {
		l := losses[i]
		answer := "yes"
		if !all {
			ui.Loss(w, l)
			var err error
			if answer, err = ui.Choose("Bring it back?", "yes", "no", "diff", "all", "quit"); err != nil {
				return err
			}
		}
		switch answer {
		case "quit":
			return nil
		case "diff":
			if err := with(m, recall.Root, func(here *recall.View) error {
				d, err := recall.Compare(here, v, l.Path)
				if err == nil {
					ui.Diff(w, d)
				}
				return err
			}); err != nil {
				return err
			}
			continue
		case "all":
			all = true
			fallthrough
		case "yes":
			if err := do(w, m, job{v, l.Actions}); err != nil {
				return err
			}
		}
		i++
	}
	return nil
}
