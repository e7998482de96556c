package main

import (
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/live"
)

func forgetCommand(g *globals) *cobra.Command {
	var o struct{ yes, check, leave, archive, remove bool }
	c := &cobra.Command{
		Use:   "forget PATH...",
		Short: "Keep files and directories no longer",
		Long: `Take entries out of the declaration and out of the boot plan. In this session each path holds an
ordinary copy of the data afterwards; the next reset drops it with the root. An entry of a preset
is switched off with enable: false. Only the given paths are changed: other edits wait for
'anicca apply'.

What programs are using is not torn from them: they are named, and it stays in place until the
next boot. Say it again when they have ended to take it away at once.

The kept copy stays in the store, as an orphan, unless --archive or --delete is given; these work
on orphans too ('anicca orphans' lists them).

Exit codes: 0 done, 1 a step failed or a path is not kept, 3 the declaration is or would be invalid,
4 there are changes (--check).`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(args)
			if err != nil {
				return err
			}
			if o.leave && (o.archive || o.remove) || o.archive && o.remove {
				return exitError{exitUsage, "--leave, --archive and --delete exclude each other\n" + c.UseLine()}
			}
			fate, question := live.Leave, "Forget this?"
			switch {
			case o.archive:
				fate = live.Archive
			case o.remove:
				fate, question = live.Delete, "Forget this, and delete the kept copies for good?"
			}
			return g.live(c, o.yes, o.check, question, func(m live.Machine) (*live.Change, error) {
				return live.Forget(m, paths, fate, time.Now())
			})
		},
	}
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&o.check, "check", false, "change nothing; exit with 4 if there are changes")
	c.Flags().BoolVar(&o.leave, "leave", false, "leave the kept copies in the store (the default)")
	c.Flags().BoolVar(&o.archive, "archive", false, "move the kept copies to .anicca/forgotten in the store; nothing deletes them there")
	c.Flags().BoolVar(&o.remove, "delete", false, "delete the kept copies")
	return c
}
