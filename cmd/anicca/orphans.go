package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"anicca/internal/apply"
	"anicca/internal/history"
	"anicca/internal/live"
	"anicca/internal/orphans"
	"anicca/internal/plan"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

// past reads what was applied on a machine: the current boot plan, nil if there is none, and all generations.
func past(m live.Machine, store string) (*plan.Boot, history.History, error) {
	tree, err := m.Root.Sub(store)
	if sys.IsLoop(err) {
		return nil, nil, fmt.Errorf("the store %s, or a directory above it, is a symbolic link: write the path that it leads to into the declaration", store)
	}
	if err != nil {
		return nil, nil, err
	}
	defer tree.Close()
	b, err := apply.Current(tree)
	if err != nil {
		return nil, nil, err
	}
	h, err := history.Read(tree)
	return b, h, err
}

func orphansCommand(g *globals) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "orphans",
		Short: "List what lies in the stores without an entry that keeps it",
		Long: `List the files and directories in the stores that neither the declaration nor the boot plan keeps:
how much room each takes, which generation was the last that kept it, and since when none does.
Nothing is ever deleted by itself; 'anicca forget --archive PATH' or '--delete PATH' does so.

Exit codes: 0 done, 1 a store could not be read, 3 the declaration is invalid.`,
		RunE: func(c *cobra.Command, _ []string) error {
			host, err := g.load()
			if err != nil {
				return err
			}
			f, err := g.facts(host)
			if err != nil {
				return err
			}
			m, done, err := g.machine()
			if err != nil {
				return err
			}
			defer done()
			main, _ := f.MainStore(host)
			b, h, err := past(m, main.Path)
			if err != nil {
				return err
			}
			list, err := orphans.Find(m.Root, host, b, h)
			if err != nil {
				return err
			}
			if asJSON {
				return ui.JSON(c.OutOrStdout(), list)
			}
			forgotten, err := orphans.Forgotten(m.Root, host)
			ui.Orphans(c.OutOrStdout(), list, forgotten)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the orphans as JSON")
	return c
}
