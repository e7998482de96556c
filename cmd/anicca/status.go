package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/root"
	"anicca/internal/status"
	"anicca/internal/sys"
	"anicca/internal/tell"
	"anicca/internal/ui"
	"anicca/internal/watch"
)

// status looks at the disk too, on a machine that anicca was set up on.
func (g globals) status(m status.Machine) (s *status.Status, err error) {
	if g.root != "/" || m.Record == nil || m.Record.Device == "" {
		return status.Make(m), nil
	}
	top, done, err := root.LookTop(m.Record.Device, m.Record.FSType)
	if err == nil {
		defer func() { _ = done() }()
		if m.Disk, err = root.Open(top); err == nil {
			defer m.Disk.Close()
		}
	}
	s = status.Make(m)
	if err != nil { // what hinders is part of how the machine stands
		s.OK = false
		s.Problems = append(s.Problems, err.Error())
	}
	return s, nil
}

func statusCommand(g *globals) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show whether resets are armed, the last boot, and every entry",
		Long: `Show whether resets are armed, what the last boot did to the root, and every entry:
declared, in the store, in place, verified, and whether its owner and mode are the declared ones.
It also shows what the watcher (anicca-watch.service) has healed in this session, by whose fault, and what it could not heal,
and how much the next reset would drop, as anicca-report.service has counted last.

Exit codes: 0 all is well, 1 something is wrong, 3 the declaration is invalid.`,
		RunE: func(c *cobra.Command, _ []string) error {
			host, err := g.load()
			if err != nil {
				return err
			}
			if os.Getuid() != 0 && g.root == "/" {
				return exitError{exitFault, "kept state is root's alone: sudo anicca status"}
			}
			_, p, err := g.plan()
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
			applied, _, err := apply.Applied(tree, host.Stores)
			if err != nil {
				return err
			}
			m := status.Machine{Host: host, Plan: p, Boot: applied, Record: r, Tree: tree}
			if r != nil && g.root == "/" {
				m.Root = root.CheckRunning(r.Backend, "/", r.Made)
				before, err := tell.ReadState(tree)
				if before != nil {
					m.Last = &before.Report
				} else if err != nil && !errors.Is(err, fs.ErrPermission) { // only root may see it
					fmt.Fprintln(c.ErrOrStderr(), "anicca:", err)
				}
				if m.Watch, err = status.ReadWatch(watch.StatePath, r.BootID); err != nil {
					return err
				}
			}
			s, err := g.status(m)
			if err != nil {
				return err
			}
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
