package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

func planCommand(g *globals) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would do, and which line asks for it",
		RunE: func(c *cobra.Command, _ []string) error {
			_, p, err := g.plan()
			if err != nil {
				return err
			}
			if asJSON {
				return ui.JSON(c.OutOrStdout(), p)
			}
			ui.Plan(c.OutOrStdout(), p)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	return c
}

func applyCommand(g *globals) *cobra.Command {
	var o struct {
		yes, check bool
		ids        string
	}
	c := &cobra.Command{
		Use:   "apply",
		Short: "Put kept state in place, now and at every boot",
		Long: `Put kept state in place: data that is there already is copied into the store, verified, and covered
by its kept copy; files stay plain files, and are carried over at every boot. Then the boot plan for the
initrd is recorded.

Data is never hidden or overwritten: where the machine and the store both hold data that differ,
that entry is left alone and both sides are named. What is there keeps its owner and mode, whatever is
declared, and the difference is told; with 'enforce: true' it is changed, and that is a step of the plan.

Kept data belongs to the numbers of users and groups. Where those are other accounts' now, nothing is done
until you have decided: give the accounts their numbers back, or say --ids give, which gives kept data to
the numbers that its accounts have now, or --ids leave, which only accepts the accounts as they are.

Exit codes: 0 done or nothing to do, 1 a step failed, 3 the declaration is invalid,
4 there are changes (--check), 5 an entry was left alone because going on would lose data.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.ids != "" {
				if o.check {
					return exitError{exitUsage, "--ids changes owners: leave --check out"}
				}
				if err := g.settleIDs(c.OutOrStdout(), o.ids, o.yes); err != nil {
					return err
				}
			}
			host, p, err := g.plan()
			if err != nil {
				return err
			}
			ui.Plan(c.OutOrStdout(), p)
			if o.check {
				return verdict(p, len(p.Steps) > 0)
			}
			if len(p.Steps) == 0 {
				return errors.Join(g.learnIDs(host), verdict(p, false))
			}
			if !o.yes {
				ok, err := ui.Confirm("Apply this?")
				if err != nil {
					return err
				}
				if !ok {
					return exitError{exitFault, "nothing was done"}
				}
			}
			err = g.run(c.OutOrStdout(), p)
			g.tellKept(host)
			return err
		},
	}
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	c.Flags().StringVar(&o.ids, "ids", "", "accounts have other numbers: \"give\" kept data to those, or \"leave\" it as it is")
	c.Flags().BoolVar(&o.check, "check", false, "change nothing; exit with 4 if there are changes")
	return c
}

func (g globals) run(w io.Writer, p *plan.Plan) error {
	tree, err := sys.OpenTree(g.root)
	if err != nil {
		return err
	}
	defer tree.Close()
	progress := teller{w: bufio.NewWriter(w)}
	err = apply.Run(tree, p, progress.tell)
	fmt.Fprintf(progress.w, "%d of %s done\n", progress.done, ui.Many(len(p.Steps), "step"))
	if err == nil {
		progress.end()
	}
	if err := errors.Join(err, progress.w.Flush()); err != nil {
		return err
	}
	return verdict(p, false)
}

// teller tells the steps of an apply as they are done.
type teller struct {
	w       *bufio.Writer
	shown   time.Time // when what was told last could be seen
	done    int
	adopted string // the last directory that was copied into the store
	covered bool   // a directory that programs may have open
}

func (p *teller) tell(e apply.Event) {
	if e.Err == nil {
		p.done++
		if e.Step.Kind == plan.Adopt && e.Step.Dir {
			p.adopted = e.Step.Path
		}
		p.covered = p.covered || e.Step.Kind == plan.Bind && e.Step.Path == p.adopted
	}
	ui.Done(p.w, e.Step, e.Err)
	for _, said := range e.Said {
		fmt.Fprintln(p.w, "note:", said)
	}
	if now := time.Now(); now.Sub(p.shown) > 100*time.Millisecond { // what takes long is seen as it happens
		p.w.Flush()
		p.shown = now
	}
}

func (p *teller) end() {
	if p.covered {
		fmt.Fprintln(p.w, "Programs that have files open in what was just covered write on into the covered copies\n"+
			"until they are restarted: reboot soon. The boot uses the kept copies.")
	}
}

// verdict turns what is left of a plan into an exit code.
func verdict(p *plan.Plan, changes bool) error {
	switch {
	case len(p.Conflicts) > 0:
		return exitError{exitLoss, "left alone, see above: " + ui.Many(len(p.Conflicts), "entry")}
	case changes:
		return exitError{code: exitChanges}
	}
	return nil
}
