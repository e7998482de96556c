package main

import (
	"fmt"
	"io"
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

// leftOut warns of what a base does not contain.
func leftOut(w io.Writer, b *root.Btrfs) error {
	list, err := b.LeftOut()
	for _, p := range list {
		fmt.Fprintf(w, "note: %s is a subvolume of its own, which no base contains: declare it before you reset, or it will be empty\n", p)
	}
	return err
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
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "base %d is made; the next reset returns to it\n", base.Number)
				return leftOut(c.OutOrStdout(), b)
			})
		},
	})
	return c
}
