package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"anicca/internal/recall"
)

// restoring is what restore was asked for.
type restoring struct {
	from, to                                 string
	last, ask, all, noise, missing, dry, yes bool
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
not have so, all of it or only what lies at the paths; what is kept is left out. What would be missed most
comes first, and what belongs together is one line, as 'anicca review' had it before the reset (--all: a line for each).
What programs write again by themselves, or what 'ignore' in the declaration names, is left out, unless its path is given (--noise takes it in).
--ask goes through it one by one; 'look' asks for what lies in a directory.

` + places + `

Exit codes: 0 done or there already, 1 no old root has it, or you said no, 5 something lies there
already, and there is no terminal to ask on.`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case !o.last && (o.ask || o.all || o.noise):
				return errors.New("--ask, --all and --noise go with --last")
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
					return o.lost(*g, c.OutOrStdout(), m, paths)
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
	f.BoolVarP(&o.all, "all", "a", false, "with --last: a line, or a question, for each thing")
	f.BoolVar(&o.noise, "noise", false, "with --last: also what programs write again by themselves")
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
	return carryOut(w, m, jobs, o.dry, o.yes, "Put it there, and what lies there aside?")
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
