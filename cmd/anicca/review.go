package main

import (
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/changes"
	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/noise"
	"anicca/internal/review"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

func reviewCommand(g *globals) *cobra.Command {
	var asJSON, quiet, all, silent bool
	c := &cobra.Command{
		Use:   "review",
		Short: "Show what the next reset would drop",
		Long: `Show what the next reset would drop: what was added, modified or deleted in the root since its base was
made, files and their owner, mode, access lists and attributes, but for what is kept. What would be missed most
comes first: credentials, data of people, configuration, software, state, and then caches, which are made
again; where a preset would keep it, that is named. What programs write by themselves, and write again, is
left out (--noise shows it); 'ignore' in the declaration adds to that.

Directories with many changes are one line. Times alone are no change, nor is a file that was written
again with the same content. Nothing is really lost: what a reset drops goes into the archive.

Exit codes: 0 done, 1 a fault, 3 the declaration is invalid, 4 with --quiet: something of value would go.`,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := g.review(quiet || asJSON && !ui.Terminal(c.OutOrStdout()))
			switch {
			case err != nil:
				return err
			case quiet && r.Value():
				return exitError{code: exitChanges}
			case quiet:
				return nil
			case asJSON:
				return ui.JSON(c.OutOrStdout(), r)
			}
			w, now := c.OutOrStdout(), time.Now().Unix()
			switch {
			case silent:
				ui.ReviewNoise(w, r)
			case all:
				ui.ReviewAll(w, r, now)
			default:
				ui.Review(w, r, now)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the review as JSON")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing; exit with 4 if something of value would go")
	c.Flags().BoolVarP(&all, "all", "a", false, "a line for every change, in the order of their paths")
	c.Flags().BoolVar(&silent, "noise", false, "show what is left out as not worth a word, and why")
	return c
}

// review looks at the disk that roots are made on, and says how far it is if it takes long, unless it is to be silent.
func (g globals) review(silent bool) (r review.Review, err error) {
	host, err := g.load()
	if err != nil {
		return r, err
	}
	f, err := g.facts(host)
	if err != nil {
		return r, err
	}
	m, done, err := g.machine()
	if err != nil {
		return r, err
	}
	defer done()
	main, _ := f.MainStore(host)
	b, _, err := past(m, main.Path)
	if err != nil {
		return r, err
	}
	if b == nil {
		return r, errors.New("nothing was applied yet, so nothing is reset: run 'anicca apply'")
	}
	err = errors.New("the disk that roots are made on cannot be read: run it as root, on a machine that was set up by 'anicca init'")
	letGo := g.look(func(d *root.Disk, _ *sys.Tree) {
		r, err = reviewDisk(d, finding{m.Root, main.Path, silent}, b.Kept(), host, f)
	})
	letGo()
	return r, err
}

func reviewDisk(d *root.Disk, in finding, kept []string, host *decl.Host, f *facts.Facts) (r review.Review, err error) {
	base, err := d.Base()
	if err != nil {
		return r, err
	}
	skip := map[string]bool{}
	for _, p := range kept {
		skip[p] = true
	}
	var people []decl.Account
	var homes []string
	for _, u := range f.Accounts.Users() {
		if u.Person() {
			people, homes = append(people, u), append(homes, u.Home)
		}
	}
	sieve := noise.New(append(slices.Clone(host.Ignore), config.Noise()...), homes)
	scale := review.NewScale(config.Presets(), people)
	all, err := in.find(d, base, changes.Look{Skip: func(p string) bool { return skip[p] }, Apart: review.Apart(scale, sieve)})
	return review.Make(base.Number, all, kept, scale, sieve), err
}
