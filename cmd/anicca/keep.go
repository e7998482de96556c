package main

import (
	"bufio"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"anicca/internal/live"
	"anicca/internal/ui"
)

func keepCommand(g *globals) *cobra.Command {
	var o struct {
		yes, check bool
		store      string
	}
	c := &cobra.Command{
		Use:   "keep PATH...",
		Short: "Keep files and directories from now on: declare and place them",
		Long: `Add files and directories to the declaration, copy them into the store, and put the kept copies in
place, now and at every boot. A path in a home goes into the list of its user.

An entry is written where the declaration has such a list already; comments and layout stay as they
are. The whole declaration is evaluated with it first: if it would be wrong, or data would be lost,
nothing is written. Only the given paths are put in place: other changes wait for 'anicca apply'.

Exit codes: 0 done or kept already, 1 a step failed or a path cannot be kept, 3 the declaration is
or would be invalid, 4 there are changes (--check), 5 going on would lose data, so nothing was done.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(args)
			if err != nil {
				return err
			}
			return g.live(c, o.yes, o.check, "Keep this?", func(m live.Machine) (*live.Change, error) {
				return live.Keep(m, paths, o.store)
			})
		},
	}
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&o.check, "check", false, "change nothing; exit with 4 if there are changes")
	c.Flags().StringVar(&o.store, "store", "", "the store to keep them in (default: the one with anicca's own records)")
	return c
}

// live shows a change of a running machine, asks, and does it.
func (g globals) live(c *cobra.Command, yes, check bool, question string, look func(live.Machine) (*live.Change, error)) error {
	if g.root != "/" && !c.Flag("config").Changed {
		return exitError{exitUsage, "this would change the declaration of the machine that runs: name the one of " + g.root + " with --config, such as --config " +
			filepath.Join(g.root, defaultConfig)}
	}
	m, done, err := g.machine()
	if err != nil {
		return err
	}
	defer done()
	m.Stop = stopping(c.Context())
	change, err := look(m)
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	ui.Change(w, change)
	switch {
	case len(change.Plan.Conflicts) > 0:
		return exitError{exitLoss, "nothing was done, see above"}
	case change.Nothing():
		return nil
	case check:
		return exitError{code: exitChanges}
	}
	if !yes {
		ok, err := ui.Confirm(question)
		if err != nil {
			return err
		}
		if !ok {
			return exitError{exitFault, "nothing was done"}
		}
	}
	progress := teller{w: bufio.NewWriter(w)}
	err = errors.Join(change.Run(progress.tell), progress.w.Flush())
	ui.Taken(w, change)
	g.tellKept(nil)
	if err != nil {
		return err
	}
	progress.end()
	return progress.w.Flush()
}
