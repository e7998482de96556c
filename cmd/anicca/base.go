package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/install"
	"anicca/internal/root"
	"anicca/internal/ui"
)

// withDisk opens the ledger of this machine's root filesystem while f runs.
func withDisk(f func(*root.Btrfs) error) error {
	if os.Getuid() != 0 {
		return exitError{exitFault, "the bases and old roots are root's alone: run it with sudo"}
	}
	device, err := install.RootDevice(os.DirFS("/"))
	if err != nil {
		return err
	}
	return install.WithTop(device, func(top string) error {
		b, err := root.OpenBtrfs(top)
		if err != nil {
			return err
		}
		defer b.Close()
		return f(b)
	})
}

func baseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "base",
		Short: "List the known-good roots that a reset returns to",
		RunE: func(c *cobra.Command, _ []string) error {
			return withDisk(func(b *root.Btrfs) error {
				rows := [][]string{{"BASE", "MADE"}}
				for _, x := range b.Ledger().Bases {
					rows = append(rows, []string{fmt.Sprint(x.Number), x.Made.Local().Format(time.DateTime)})
				}
				ui.Table(c.OutOrStdout(), rows)
				return nil
			})
		},
	}
	c.AddCommand(&cobra.Command{
		Use:   "new",
		Short: "Make the next base from the running root, as it is now",
		Long: `Make the next base from the running root, as it is now; later resets return to it.
Do so after you have installed or upgraded packages that shall stay. Everything that
lies in the root becomes part of the base, declared or not.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withDisk(func(b *root.Btrfs) error {
				base, err := b.MakeBase(time.Now())
				if err == nil {
					fmt.Fprintf(c.OutOrStdout(), "base %d is made; the next reset returns to it\n", base.Number)
				}
				return err
			})
		},
	})
	return c
}
