package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/archive"
	"anicca/internal/boot"
	"anicca/internal/recall"
	"anicca/internal/root"
	"anicca/internal/ui"
)

func archiveCommand(g *globals) *cobra.Command {
	list := func(c *cobra.Command, _ []string) error {
		return withDisk(func(d *root.Disk) error { return listArchive(c.OutOrStdout(), d) })
	}
	c := &cobra.Command{
		Use: "archive", Short: "List the old roots; look into them, pin them, drop them", RunE: list,
		Long: `List the old roots, oldest first; look into them, pin them, or drop those that have expired.

ID is an old root's id, a beginning of it that no other has, the number in front of it, or 'last'.`,
	}
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "List the old roots, oldest first", Args: cobra.NoArgs, RunE: list},
		pinCommand("pin", "Keep an old root until it is unpinned", "%s stays until 'anicca archive unpin'", true),
		dropCommand(),
		pinCommand("unpin", "Let an old root expire again", "%s expires as others do", false),
		expireCommand(g),
		mountCommand(g), umountCommand(g), browseCommand(g),
	)
	return c
}

func listArchive(w io.Writer, d *root.Disk) error {
	old, err := d.Archive()
	if err != nil {
		return err
	}
	if len(old) == 0 {
		fmt.Fprintln(w, "there are no old roots yet: each reset makes one")
	}
	rows := [][]string{{"ID", "PUT AWAY", "BEGAN AS", "KERNEL", "NOTES"}}
	for _, o := range old {
		rows = append(rows, []string{o.ID, o.When.Local().Format(time.DateTime), began(o), o.Kernel, marks(o)})
	}
	if len(old) > 0 {
		ui.Table(w, rows)
	}
	foreign, err := d.Foreign()
	for _, p := range foreign {
		fmt.Fprintf(w, "note: %s on the top level is not in the ledger, so it is never touched\n", p)
	}
	return err
}

// began says what an old root was made from.
func began(o root.Old) string {
	switch {
	case o.From != "":
		return "old root " + o.From
	case o.Base != 0:
		return fmt.Sprintf("base %d", o.Base)
	}
	return "the installation"
}

func marks(o root.Old) string {
	var out []string
	if o.Good {
		out = append(out, "booted well")
	}
	if o.Pinned {
		out = append(out, "pinned")
	}
	if o.Lost {
		out = append(out, "was in memory and is lost")
	}
	if o.Found {
		out = append(out, "found when the ledger was rebuilt")
	}
	return strings.Join(out, ", ")
}

// oldID finds the id of an old root by what the user calls it. Of one that is being deleted, only the whole id will do.
func oldID(d *root.Disk, name string) (string, error) {
	list, err := d.Archive()
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(d.Ledger().Leftovers, func(o root.Old) bool { return o.ID == name }) {
		return name, nil
	}
	o, err := recall.Named(list, name)
	return o.ID, err
}

func pinCommand(verb, short, said string, on bool) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withDisk(func(d *root.Disk) error {
				id, err := oldID(d, args[0])
				if err == nil {
					err = d.Pin(id, on, time.Now())
				}
				if err == nil {
					fmt.Fprintf(c.OutOrStdout(), said+"\n", id)
				}
				return err
			})
		},
	}
}

func dropCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "drop ID...", Short: "Drop old roots for good, whatever root.archive says", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withDisk(func(d *root.Disk) error {
				var verdicts []archive.Verdict
				for _, name := range args {
					id, err := oldID(d, name)
					if err != nil {
						return err
					}
					if !slices.ContainsFunc(verdicts, func(v archive.Verdict) bool { return v.ID == id }) {
						verdicts = append(verdicts, archive.Verdict{Old: root.Old{ID: id}, Drop: true, Why: "you say so"})
					}
				}
				return expire(c.Context(), c.OutOrStdout(), d, verdicts, time.Now(), yes)
			})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func expireCommand(g *globals) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "expire",
		Short: "Drop the old roots that root.archive does not keep any longer",
		Long: `Show every old root with whether it stays and why, ask, and drop those that do not.
A timer does the same once a day, without asking.

An old root stays while it is one of the newest root.archive.count, or younger than
root.archive.days, or pinned; the newest that booted well stays always. With a clock that
cannot be right, nothing is dropped.

Exit codes: 0 done or nothing to do, 1 a root could not be dropped, 3 the declaration is invalid.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			host, err := g.load()
			if err != nil {
				return err
			}
			return withDisk(func(b *root.Disk) error {
				r, err := boot.ReadRecord(boot.RecordPath)
				if err != nil {
					return err
				}
				l, now := b.Ledger(), time.Now()
				held := b.Held()
				tree, _, bp, err := g.applied(host)
				if err != nil {
					return err
				}
				if tree != nil {
					defer tree.Close()
					store, err := tree.Sub(bp.Stores[0].Path)
					if err != nil {
						return err
					}
					defer store.Close()
					if held, err = boot.Held(b, r, store, bp); err != nil {
						return err
					}
				}
				verdicts, err := archive.Expire(l.Archive, l.Leftovers, held, host.Root.Archive, now, r.LastRecord(l.Archive))
				if err != nil {
					return err
				}
				return expire(c.Context(), c.OutOrStdout(), b, verdicts, now, yes)
			})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func expire(ctx context.Context, w io.Writer, b *root.Disk, verdicts []archive.Verdict, now time.Time, yes bool) error {
	n := 0
	var rows [][]string
	for _, v := range verdicts {
		what := "stays"
		if v.Drop {
			what, n = "goes", n+1
		}
		rows = append(rows, []string{what, v.ID, v.Why})
	}
	ui.Table(w, rows)
	if n == 0 {
		fmt.Fprintln(w, "nothing to drop")
		return nil
	}
	if !yes {
		ok, err := ui.Confirm(fmt.Sprintf("Drop %s for good?", ui.Many(n, "old root")))
		if err != nil {
			return err
		}
		if !ok {
			return exitError{exitFault, "nothing was done"}
		}
	}
	return archive.Drop(b, verdicts, now, 0, stopping(ctx), func(v archive.Verdict, err error) {
		if err == nil {
			fmt.Fprintln(w, "dropped", v.ID)
		}
	})
}
