package main

import (
	"slices"

	"github.com/spf13/cobra"

	"anicca/internal/recall"
	"anicca/internal/ui"
)

func logCommand(g *globals) *cobra.Command {
	var o struct{ all, asJSON bool }
	c := &cobra.Command{
		Use:   "log PATH",
		Short: "Show which old roots have which versions of a file or directory",
		Long: `Show what lay at a path, newest first: in the running root, in the store, in old roots and in bases. What is said of each
is compared with the line below it: added, changed, deleted, same or missing. Files are told apart by hash; directories
by names, sizes, times and owners of all that is in them.

Exit codes: 0 done, 1 it lies nowhere, or a fault, 2 usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(args)
			if err != nil {
				return err
			}
			return g.recall(c, false, func(m *recall.Machine) error {
				lines, err := m.Log(paths[0])
				if err != nil {
					return err
				}
				if o.asJSON {
					return ui.JSON(c.OutOrStdout(), lines)
				}
				if !slices.ContainsFunc(lines, func(l recall.Line) bool { return l.Version != nil }) {
					return exitError{exitFault, paths[0] + " lies nowhere: neither in the running root, nor in the store, an old root or a base"}
				}
				ui.Log(c.OutOrStdout(), lines, o.all)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&o.all, "all", false, "show old roots and bases in which it did not change, too")
	c.Flags().BoolVar(&o.asJSON, "json", false, "print all lines as JSON")
	return c
}
