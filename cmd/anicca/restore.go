package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"anicca/internal/recall"
	"anicca/internal/ui"
)

// restoring is what restore was asked for.
type restoring struct {
	from, to                     string
	last, ask, missing, dry, yes bool
}

func restoreCommand(g *globals) *cobra.Command {
	var o restoring
	c := &cobra.Command{
		Use:   "restore PATH...",
		Short: "Bring files and directories back from an old root",
		Long: `Bring files and directories back from the newest old root that has them, or from the place named with
--from, with owner, mode, times, access lists and all other metadata.

A directory that is there already gets what it lacks; what only it has stays. Where something else
lies already, it is shown, and you are asked: it changes places with what comes back, in one step,
and stays beside it under a hidden name that is told. --missing leaves it alone instead. With --to,
what comes back goes into a directory; if there is none of that name, one path comes back under it.

With --last, what the newest old root had made or changed since it began, and the running root does
not have so, all of it or only what lies at the paths; what is kept is left out. --ask goes through it one by one.

` + places + `

Exit codes: 0 done or there already, 1 no old root has it, or you said no, 5 something lies there
already, and there is no terminal to ask on.`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case o.ask && !o.last:
				return errors.New("--ask goes with --last")
			case o.last && (o.from != "" || o.to != ""):
				return errors.New("--last brings everything back to where it was, from the newest old root: leave --from and --to out")
			case !o.last:
				return cobra.MinimumNArgs(1)(c, args)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(args)
			if err != nil {
				return err
			}
			return g.recall(c, true, func(m *recall.Machine) error {
				if o.last {
					if len(paths) == 0 {
						paths = []string{"/"}
					}
					return o.lost(c.OutOrStdout(), m, paths)
				}
				return o.run(c.OutOrStdout(), m, paths)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "the place to bring it back from (default: the newest old root that has it)")
	f.StringVar(&o.to, "to", "", "where to put it (default: where it was)")
	f.BoolVar(&o.last, "last", false, "what the last reset dropped")
	f.BoolVar(&o.ask, "ask", false, "with --last: ask for each thing")
	f.BoolVar(&o.missing, "missing", false, "only what is missing: leave alone what lies there already")
	f.BoolVarP(&o.dry, "dry-run", "n", false, "only show what would be done")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return c
}

// run brings paths back, once it is known of all what has to be done.
func (o restoring) run(w io.Writer, m *recall.Machine, paths []string) (err error) {
	to, err := targets(m, paths, o.to)
	if err != nil {
		return err
	}
	var jobs []job
	defer func() {
		for _, j := range jobs {
			err = errors.Join(err, j.from.Close())
		}
	}()
	for i, p := range paths {
		find := func() (*recall.View, error) { return m.Find(p) }
		if o.from != "" {
			find = func() (*recall.View, error) { return m.Open(o.from) }
		}
		v, err := find()
		if err != nil {
			return err
		}
		jobs = append(jobs, job{from: v})
		actions, err := m.Restore(v, p, to[i])
		if err != nil {
			return err
		}
		if jobs[i].actions = o.wanted(actions); len(jobs[i].actions) == 0 {
			fmt.Fprintf(w, "%s is there already%s\n", to[i], unless(len(actions) > 0, ", as in "+v.Name))
		}
	}
	return carryOut(w, m, jobs, false, o.dry, o.yes, "Put it there, and what lies there aside?")
}

func (o restoring) wanted(actions []recall.Action) []recall.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(a recall.Action) bool { return o.missing && a.What != recall.Bring })
}

func unless(not bool, s string) string {
	if not {
		return ""
	}
	return s
}

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

// targets says where each path goes.
func targets(m *recall.Machine, paths []string, to string) ([]string, error) {
	if to == "" {
		return paths, nil
	}
	dest, err := inMachine([]string{to})
	if err != nil {
		return nil, err
	}
	s, err := m.Root.Stat(dest[0])
	if err != nil || !s.IsDir() {
		if len(paths) > 1 {
			return nil, exitError{exitUsage, fmt.Sprintf("%s is not a directory, and %d paths cannot come back under one name", dest[0], len(paths))}
		}
		return dest, nil
	}
	var out []string
	seen := map[string]string{}
	for _, p := range paths {
		at := path.Join(dest[0], path.Base(p))
		if other := seen[at]; other != "" {
			return nil, exitError{exitUsage, fmt.Sprintf("%s and %s would both be %s: restore one after the other", other, p, at)}
		}
		seen[at] = p
		out = append(out, at)
	}
	return out, nil
}
