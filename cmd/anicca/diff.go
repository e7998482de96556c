package main

import (
	"github.com/spf13/cobra"

	"anicca/internal/recall"
	"anicca/internal/ui"
)

func diffCommand(g *globals) *cobra.Command {
	var o struct {
		from, to string
		asJSON   bool
	}
	c := &cobra.Command{
		Use:   "diff PATH",
		Short: "Show how a path differs between base, root, store and old roots",
		Long: `Show how what lies at a path differs between two places, from the newest base to the running root
unless you say otherwise. Texts are compared line by line; other files, and those above 4 MiB, are
told by size and hash; a directory as one line for each path that was added (+), changed (~) or
deleted (-). Mode, owner, access lists, attributes and link targets are compared too; times are not.

` + places + `

Exit codes: 0 both are the same, 4 they differ, 1 a fault, 2 usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(args)
			if err != nil {
				return err
			}
			return g.recall(c, false, func(m *recall.Machine) error {
				return with(m, o.from, func(from *recall.View) error {
					return with(m, o.to, func(to *recall.View) error {
						d, err := recall.Compare(from, to, paths[0])
						if err != nil {
							return err
						}
						if o.asJSON {
							err = ui.JSON(c.OutOrStdout(), d)
						} else {
							ui.Diff(c.OutOrStdout(), d)
						}
						if err == nil && !d.Same {
							err = exitError{code: exitChanges}
						}
						return err
					})
				})
			})
		},
	}
	c.Flags().StringVar(&o.from, "from", recall.Base, "the place before")
	c.Flags().StringVar(&o.to, "to", recall.Root, "the place after")
	c.Flags().BoolVar(&o.asJSON, "json", false, "print the difference as JSON")
	return c
}
