package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"anicca/internal/recall"
	"anicca/internal/ui"
)

func mountCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "mount ID [DIR]",
		Short: "Mount an old root, to be read",
		Long: `Mount an old root read-only, by default below ` + recall.BrowseDir + `, which is root's alone. Until it is unmounted
it does not expire.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			dirs, err := inMachine(args[1:])
			if err != nil {
				return err
			}
			return g.recall(c, true, func(m *recall.Machine) error {
				o, err := m.Old(args[0])
				if err != nil {
					return err
				}
				dir, err := m.Mount(o, first(dirs))
				if err == nil {
					fmt.Fprintf(c.OutOrStdout(), "old root %s is at %s, until 'anicca archive umount %s'\n", o.ID, dir, cmp.Or(first(dirs), o.ID))
				}
				return err
			})
		},
	}
}

func umountCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "umount ID|DIR",
		Short: "Unmount an old root",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return g.recall(c, true, func(m *recall.Machine) error {
				dir, err := m.Browsed(args[0])
				if err != nil {
					dirs, aerr := inMachine(args)
					if there, serr := m.Root.Exists(first(dirs)); aerr != nil || serr != nil || !there {
						return errors.Join(err, aerr)
					}
					dir = dirs[0]
				}
				return m.Unmount(dir)
			})
		},
	}
}

func browseCommand(g *globals) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "browse ID [PATH]",
		Short: "List what an old root has at a path",
		Long: `List what an old root, or another place, has at a path (default: /): mode, owner, size, time of change and name.

` + places,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(append(args[1:], "/"))
			if err != nil {
				return err
			}
			return g.recall(c, false, func(m *recall.Machine) error {
				return with(m, args[0], func(v *recall.View) error {
					items, err := recall.Browse(v, paths[0])
					if err != nil {
						return err
					}
					if asJSON {
						return ui.JSON(c.OutOrStdout(), items)
					}
					ui.Items(c.OutOrStdout(), items)
					return nil
				})
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the listing as JSON")
	return c
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
