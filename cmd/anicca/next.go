package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/root"
)

func nextCommand() *cobra.Command {
	set := func(c *cobra.Command, n *root.Next, said string) error {
		return withDisk(func(d *root.Disk) error {
			if err := d.SetNext(n, time.Now()); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), said)
			return nil
		})
	}
	verb := func(use, short string, args cobra.PositionalArgs, next func([]string) *root.Next, said string) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, a []string) error {
			return set(c, next(a), said)
		}}
	}
	c := &cobra.Command{
		Use:   "next",
		Short: "Say what the next boot does to the root, once",
		Long: `Say what the next boot does to the root, once, whatever the declaration says.
The kernel command line (anicca=keep, anicca=observe, anicca=off, anicca.root=ID) has the last word.

Without a verb it tells what was said.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withDisk(func(d *root.Disk) error {
				n, said := d.Ledger().Next, "nothing: the next boot does what the declaration says"
				if n != nil {
					said = n.What
					if n.ID != "" {
						said += " " + n.ID
					}
				}
				fmt.Fprintln(c.OutOrStdout(), said)
				return nil
			})
		},
	}
	c.AddCommand(
		verb("keep", "Keep the root in the next boot", cobra.NoArgs,
			func([]string) *root.Next { return &root.Next{What: "keep"} }, "the next boot keeps the root as it is"),
		verb("reset", "Reset the root in the next boot", cobra.NoArgs,
			func([]string) *root.Next { return &root.Next{What: "reset"} }, "the next boot resets the root"),
		verb("root ID", "Boot a copy of an old root, once", cobra.ExactArgs(1),
			func(a []string) *root.Next { return &root.Next{What: "root", ID: a[0]} }, "the next boot begins as that old root; the one after it as the base again"),
		verb("clear", "Take it back", cobra.NoArgs, func([]string) *root.Next { return nil }, "the next boot does what the declaration says"),
	)
	return c
}
