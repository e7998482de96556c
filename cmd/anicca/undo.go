package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"anicca/internal/recall"
)

func undoCommand(g *globals) *cobra.Command {
	var o undoing
	var from string
	c := &cobra.Command{
		Use:   "undo PATH...",
		Short: "Put a file or directory back as the base has it",
		Long: `Put what lies at a path in the running root back as the newest base has it, or the one named with --from
(base:N). What lay there changes places with it, in one step, and stays beside it under a hidden
name that is told; what the base does not have at all is only put aside. A directory becomes wholly as the base has it.
What is kept is refused: its store is the truth.

Exit codes: 0 done or nothing to do, 1 a fault, or you said no, 5 there is no terminal to ask on.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(args)
			if err != nil {
				return err
			}
			if from != recall.Base && !strings.HasPrefix(from, recall.Base+":") {
				return exitError{exitUsage, fmt.Sprintf("%q is no base: for all else there is 'anicca restore --from %s'", from, from)}
			}
			return g.undo(c, from, paths, o)
		},
	}
	c.Flags().StringVar(&from, "from", recall.Base, "the base")
	c.Flags().BoolVarP(&o.dry, "dry-run", "n", false, "only show what would be done")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return c
}

// undoing is how paths are put back.
type undoing struct {
	dry, yes bool
	gone     bool // what lies nowhere any more is as the base has it, and no fault
}

// undo puts paths back as a base has them.
func (g globals) undo(c *cobra.Command, from string, paths []string, o undoing) error {
	return g.recall(c, true, func(m *recall.Machine) error {
		return with(m, from, func(base *recall.View) error {
			var actions []recall.Action
			for _, p := range paths {
				a, err := m.Undo(base, p)
				if err != nil && !(o.gone && errors.Is(err, recall.ErrNeither)) {
					return err
				}
				if a == nil {
					fmt.Fprintf(c.OutOrStdout(), "%s is as %s has it\n", p, base.Name)
					continue
				}
				actions = append(actions, *a)
			}
			if len(actions) == 0 {
				return nil
			}
			return carryOut(c.OutOrStdout(), m, []job{{base, actions}}, o.dry, o.yes, "Do this?")
		})
	})
}
