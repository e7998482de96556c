package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/root"
)

func nextCommand() *cobra.Command {
	set := func(c *cobra.Command, n *root.Next) error {
		return withDisk(func(d *root.Disk) error {
			if n != nil && n.What == "root" {
				id, err := oldID(d, n.ID)
				if err != nil {
					return err
				}
				n.ID = id
			}
			if err := d.SetNext(n, time.Now()); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), nextSaid(n))
			return nil
		})
	}
	verb := func(use, short string, args cobra.PositionalArgs, next func([]string) *root.Next) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, a []string) error {
			return set(c, next(a))
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
				fmt.Fprintln(c.OutOrStdout(), nextSaid(d.Ledger().Next))
				return nil
			})
		},
	}
	c.AddCommand(
		verb("keep", "Keep the root in the next boot", cobra.NoArgs, func([]string) *root.Next { return &root.Next{What: "keep"} }),
		verb("reset", "Reset the root in the next boot", cobra.NoArgs, func([]string) *root.Next { return &root.Next{What: "reset"} }),
		verb("root ID", "Boot a copy of an old root, once", cobra.ExactArgs(1),
			func(a []string) *root.Next { return &root.Next{What: "root", ID: a[0]} }),
		verb("clear", "Take it back", cobra.NoArgs, func([]string) *root.Next { return nil }),
	)
	return c
}

// nextSaid is what the next boot has been told to do.
func nextSaid(n *root.Next) string {
	switch {
	case n == nil:
		return "the next boot does what the declaration says"
	case n.What == "keep":
		return "the next boot keeps the root as it is"
	case n.What == "reset":
		return "the next boot resets the root"
	}
	return "the next boot begins as old root " + n.ID + "; the one after it as the base again"
}
