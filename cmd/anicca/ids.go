package main

import (
	"fmt"
	"io"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

// learnIDs writes down the numbers of the accounts for every store of the boot plan.
func (g globals) learnIDs(host *decl.Host) error {
	tree, stores, _, err := g.applied(host)
	if err != nil || tree == nil {
		return err
	}
	defer tree.Close()
	for _, s := range stores {
		if _, err := apply.LearnIDs(tree, s); err != nil {
			return fmt.Errorf("write down to whom the data in %s belongs: %w", s, err)
		}
	}
	return nil
}

// settleIDs lets kept data belong to the accounts as they are now: how is "give" or "leave".
func (g globals) settleIDs(w io.Writer, how string, yes bool) error {
	if how != "give" && how != "leave" {
		return exitError{exitUsage, fmt.Sprintf("--ids is \"give\" or \"leave\", not %q", how)}
	}
	host, err := g.load()
	if err != nil {
		return err
	}
	tree, stores, b, err := g.applied(host)
	if err != nil || tree == nil {
		return err
	}
	defer tree.Close()
	owners, err := apply.Owners(tree, stores)
	if err != nil {
		return err
	}
	begun := false
	for _, s := range stores {
		ids, err := apply.ReadIDs(tree, s)
		if err != nil {
			return err
		}
		if ids != nil && ids.Moving != nil {
			fmt.Fprintf(w, "%s: a change of owners was interrupted\n", s)
			begun = true
		}
	}
	for _, o := range owners {
		fmt.Fprintf(w, "%s: %d objects, such as %s\n", o.Moved, o.Count, o.Path)
	}
	if len(owners) > 0 || begun {
		question := "Leave them to whom those numbers belong now?"
		if how == "give" {
			question = "Give them to the new numbers? Stop the programs that use them first."
		}
		if !yes {
			ok, err := ui.Confirm(question)
			if err != nil {
				return err
			}
			if !ok {
				return exitError{exitFault, "nothing was done"}
			}
		}
	}
	for _, s := range stores {
		if how == "leave" {
			err = apply.AcceptIDs(tree, s)
		} else {
			var left []string
			left, err = apply.GiveIDs(tree, s, b)
			if len(left) > 0 {
				fmt.Fprintf(w, "note: %d objects take no writes and stay as they are, such as %s\n", len(left), left[0])
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// applied opens the machine, with the boot plan that is recorded and its stores that are there. The tree is nil if there is none.
func (g globals) applied(host *decl.Host) (*sys.Tree, []string, *plan.Boot, error) {
	tree, err := sys.OpenTree(g.root)
	if err != nil {
		return nil, nil, nil, err
	}
	b, stores, err := apply.Applied(tree, host.Stores)
	if err != nil || b == nil {
		tree.Close()
		return nil, nil, nil, err
	}
	return tree, stores, b, nil
}
