package main

import (
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/recall"
)

func restoreCommand(g *globals) *cobra.Command {
	var o struct {
		from, to string
		dry, yes bool
	}
	c := &cobra.Command{
		Use:   "restore PATH...",
		Short: "Bring files and directories back from an old root",
		Long: `Bring files and directories back from the newest old root that has them, or from the place named with
--from, with owner, mode, times, access lists and all other metadata.

A directory that is there already gets what it lacks; what only it has stays. Where something else
lies already, it is shown, and you are asked: it changes places with what comes back, in one step,
and stays beside it under a hidden name that is told. With --to, what comes back goes into a directory; if there is none
of that name, one path comes back under it.

` + places + `

Exit codes: 0 done or there already, 1 no old root has it, or you said no, 5 something lies there
already, and there is no terminal to ask on.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(args)
			if err != nil {
				return err
			}
			return g.recall(true, func(m *recall.Machine) error {
				to, err := targets(m, paths, o.to)
				if err != nil {
					return err
				}
				for i, p := range paths {
					if err := restore(c, m, o.from, p, to[i], o.dry, o.yes); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&o.from, "from", "", "the place to bring it back from (default: the newest old root that has it)")
	c.Flags().StringVar(&o.to, "to", "", "where to put it (default: where it was)")
	c.Flags().BoolVarP(&o.dry, "dry-run", "n", false, "only show what would be done")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return c
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

func restore(c *cobra.Command, m *recall.Machine, from, p, to string, dry, yes bool) error {
	var v *recall.View
	var err error
	if from == "" {
		v, err = m.Find(p)
	} else {
		v, err = m.Open(from)
	}
	if err != nil {
		return err
	}
	actions, err := m.Restore(v, p, to)
	switch {
	case err != nil:
	case len(actions) == 0:
		fmt.Fprintf(c.OutOrStdout(), "%s is there already, as in %s\n", to, v.Name)
	default:
		err = carryOut(c, m, v, actions, dry, yes, "Put it there, and what lies there aside?")
	}
	return errors.Join(err, v.Close())
}

// do does what was shown.
func do(c *cobra.Command, m *recall.Machine, v *recall.View, actions []recall.Action) error {
	for i := range actions {
		a := &actions[i]
		if err := m.Do(v, a, time.Now()); err != nil {
			return err
		}
		switch a.What {
		case recall.Remove:
			fmt.Fprintf(c.OutOrStdout(), "took %s away\n", a.To)
		default:
			fmt.Fprintf(c.OutOrStdout(), "restored %s from %s\n", a.To, v.ID)
		}
		if a.Aside != "" {
			fmt.Fprintf(c.OutOrStdout(), "    what lay there is %s now: remove it when you do not need it\n", a.Aside)
		}
	}
	return nil
}
