package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/apply"
	"anicca/internal/install"
	"anicca/internal/root"
	"anicca/internal/ui"
)

// withDisk opens the ledger of this machine's root filesystem while f runs.
func withDisk(f func(*root.Disk) error) error {
	if os.Getuid() != 0 {
		return exitError{exitFault, "the bases and old roots are root's alone: run it with sudo"}
	}
	device, fstype, err := install.RootDevice(os.DirFS("/"))
	if err != nil {
		return err
	}
	return install.WithTop(device, fstype, func(top string) error {
		d, err := root.Open(top)
		if err != nil {
			return err
		}
		defer d.Close()
		return f(d)
	})
}

// leftOut warns of what a base does not contain.
func leftOut(w io.Writer, d *root.Disk) error {
	list, err := d.LeftOut()
	for _, p := range list {
		fmt.Fprintf(w, "note: %s is a subvolume of its own, which no base contains: declare it before you reset, or it will be empty\n", p)
	}
	return err
}

// parts are the volumes that the applied declaration resets together with the root.
func parts(d *root.Disk) ([]root.Part, error) {
	store, done, err := d.OpenVolume(d.Ledger().Store)
	if err != nil {
		return nil, err
	}
	defer done()
	b, err := apply.Current(store)
	if err != nil || b == nil {
		return nil, err
	}
	var out []root.Part
	for _, v := range b.Volumes {
		out = append(out, root.Part{Path: v.Path, Volume: v.Subvol})
	}
	return out, nil
}

func baseCommand(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "base",
		Short: "List the known-good roots that a reset returns to",
		RunE: func(c *cobra.Command, _ []string) error {
			return withDisk(func(d *root.Disk) error {
				rows := [][]string{{"BASE", "MADE"}}
				for _, x := range d.Ledger().Bases {
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
lies in the root becomes part of the base, declared or not. Where the root is an overlay,
it becomes the base at the next boot.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withDisk(func(d *root.Disk) error {
				parts, err := parts(d)
				if err == nil {
					err = d.IsRoot("/")
				}
				if err != nil {
					return err
				}
				base, err := d.MakeBase(parts, time.Now())
				if errors.Is(err, root.ErrNextBoot) {
					fmt.Fprintf(c.OutOrStdout(), "the root becomes base %d at the next boot, as it will be then; nothing is forgotten in that boot\n", base.Number)
					return nil
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "base %d is made; the next reset returns to it\n", base.Number)
				g.tellBase(base)
				return leftOut(c.OutOrStdout(), d)
			})
		},
	})
	return c
}
