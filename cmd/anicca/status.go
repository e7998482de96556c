package main

import (
	"os"

	"github.com/spf13/cobra"

	"anicca/internal/boot"
	"anicca/internal/status"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

func statusCommand(g *globals) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show whether resets are armed, what the last boot did, and every entry",
		Long: `Show whether resets are armed, what the last boot did to the root, and every entry:
declared, in the store, in place, verified.

Exit codes: 0 all is well, 1 something is wrong, 3 the declaration is invalid.`,
		RunE: func(c *cobra.Command, _ []string) error {
			host, err := g.load()
			if err != nil {
				return err
			}
			if os.Getuid() != 0 && g.root == "/" {
				return exitError{exitFault, "kept state is root's alone: sudo anicca status"}
			}
			p, err := g.plan()
			if err != nil {
				return err
			}
			tree, err := sys.OpenTree(g.root)
			if err != nil {
				return err
			}
			defer tree.Close()
			r, err := boot.ReadRecord(tree.Path(boot.RecordPath))
			if err != nil {
				return err
			}
			s := status.Make(host, p, r, tree)
			if asJSON {
				err = ui.JSON(c.OutOrStdout(), s)
			} else {
				ui.Status(c.OutOrStdout(), s)
			}
			if err == nil && !s.OK {
				err = exitError{code: exitFault}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the status as JSON")
	return c
}
