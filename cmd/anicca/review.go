package main

import (
	"errors"
	"os"
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
	var asJSON, quiet, all, silent, plain bool
	c := &cobra.Command{
		Use:   "review",
		Short: "Show what the next reset would drop",
		Long: `Show what the next reset would drop: what was added, modified or deleted in the root since its base was
made, files and their owner, mode, access lists and attributes, but for what is kept. What would be missed most
comes first: credentials, data of people, configuration, software, state, and then caches, which are made
again; where a preset would keep it, that is named. What programs write by themselves, and write again, is
left out (--noise shows it); 'ignore' in the declaration adds to that.

On a terminal, it is a list that you go through with single keys: k keeps something, i ignores it, u puts back
what the base has, d shows how it differs, enter looks into it, ? says more. Nothing happens before you have seen
all that you decided, and said yes. --plain prints the list and ends, as it does where there is no terminal.

Directories with many changes are one line. Times alone are no change, nor is a file that was written
again with the same content. Nothing is really lost: what a reset drops goes into the archive.

Exit codes: 0 done, 1 a fault, 3 the declaration is or would be invalid, 4 with --quiet: something of value would
go, 5 going on would lose data, so nothing was done.`,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := g.review()
			switch {
			case err != nil:
				return err
			case quiet && r.Value():
				return exitError{code: exitChanges}
			case quiet:
				return nil
			case asJSON:
				return ui.JSON(c.OutOrStdout(), r.Review)
			}
			w, now := c.OutOrStdout(), time.Now().Unix()
			if in, out, ok := ui.Screen(w); ok && len(r.Items) > 0 && !plain && !silent && !all {
				return g.screen(c, r, in, out)
			}
			switch {
			case silent:
				ui.ReviewNoise(w, r.Review)
			case all:
				ui.ReviewAll(w, r.Review, now)
			default:
				ui.Review(w, r.Review, now)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the review as JSON")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing; exit with 4 if something of value would go")
	c.Flags().BoolVarP(&all, "all", "a", false, "a line for every change, in the order of their paths")
	c.Flags().BoolVar(&plain, "plain", false, "print the list, also on a terminal")
	c.Flags().BoolVar(&silent, "noise", false, "show what is left out as not worth a word, and why")
	return c
}

// seen is a review, with what it was made by.
type seen struct {
	review.Review
	kept  []string // paths
	homes []string // of people
	scale *review.Scale
}

// review looks at the disk that roots are made on.
func (g globals) review() (r seen, err error) {
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
	unread := errors.New("the disk that roots are made on cannot be read: run it as root, on a machine that was set up by 'anicca init'")
	if g.root == "/" && os.Getuid() != 0 {
		return r, unread
	}
	top, away, err := g.top(false)
	if err != nil {
		return r, unread
	}
	defer func() { err = errors.Join(err, away()) }()
	d, err := root.Open(top)
	if err != nil {
		return r, unread
	}
	defer d.Close()
	return reviewDisk(d, m.Root, b.Kept(), host, f)
}

func reviewDisk(d *root.Disk, running *sys.Tree, kept []string, host *decl.Host, f *facts.Facts) (r seen, err error) {
	base, err := d.Base()
	if err != nil {
		return r, err
	}
	skip := map[string]bool{}
	for _, p := range kept {
		skip[p] = true
	}
	all, err := changes.OfDisk(d, running, func(p string) bool { return skip[p] })
	var people []decl.Account
	for _, u := range f.Accounts.Users() {
		if u.Person() {
			people, r.homes = append(people, u), append(r.homes, u.Home)
		}
	}
	r.kept, r.scale = kept, review.NewScale(config.Presets(), people)
	sieve := noise.New(append(slices.Clone(host.Ignore), config.Noise()...), r.homes)
	r.Review = review.Make(base.Number, all, kept, r.scale, sieve)
	return r, err
}
