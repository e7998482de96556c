package main

import (
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/baseline"
	"anicca/internal/changes"
	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/review"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

func reviewCommand(g *globals) *cobra.Command {
	var asJSON, quiet, all, silent, plain, user, since, take bool
	c := &cobra.Command{
		Use:   "review",
		Short: "Show what the next reset would drop",
		Long: `Show what the next reset would drop: what was added, modified or deleted in the root since its base was
made, files and their owner, mode, access lists and attributes, but for what is kept. What would be missed most
comes first: credentials, data of people, configuration, software, state, and then caches, which are made
again; where a preset would keep it, that is named, and who wrote it, as far as packages and units tell. What
programs write by themselves, and write again, is left out (--noise shows it); 'ignore' in the declaration
adds to that.

On a terminal, it is a list that you go through with single keys: k keeps something, i ignores it, u puts back
what the base has, d shows how it differs, enter looks into it, ? says more. Nothing happens before you have seen
all that you decided, and said yes. --plain prints the list and ends, as it does where there is no terminal.

Directories with many changes are one line. Times alone are no change, nor is a file that was written
again with the same content. Nothing is really lost: what a reset drops goes into the archive.

--since-boot leaves out what the boot has changed by itself: what is as it was when the boot had settled.
--user needs no root: it tells of your own home, by the times that the kernel notes. What was deleted
it cannot see.

Exit codes: 0 done, 1 a fault, 3 the declaration is or would be invalid, 4 with --quiet: something of value would
go, 5 going on would lose data, so nothing was done.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if take && (user || since || quiet || asJSON || all || plain || silent) {
				return exitError{exitUsage, "--baseline takes a baseline and shows nothing: leave the other options out\n" + c.UseLine()}
			}
			if all && silent {
				return exitError{exitUsage, "--all shows what would go, --noise what is left out: one of them\n" + c.UseLine()}
			}
			if take {
				return g.takeBaseline(c.OutOrStdout())
			}
			r, err := g.reviewOf(user, since, quiet || asJSON && !ui.Terminal(c.OutOrStdout()))
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
			if in, out, ok := ui.Screen(w); ok && len(r.Items) > 0 && !plain && !silent && !all && !user {
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
	c.Flags().BoolVar(&user, "user", false, "your own home only, without root")
	c.Flags().BoolVar(&since, "since-boot", false, "only what has changed since the boot had settled")
	c.Flags().BoolVar(&take, "baseline", false, "from now on, --since-boot means: since now")
	return c
}

// seen is a review, with what it was made by.
type seen struct {
	review.Review
	measure
}

// review looks at the disk that roots are made on, and says how far it is if it takes long, unless it is to be silent. With a baseline, it tells of
// what has changed since that was taken.
func (g globals) review(from *baseline.Baseline, silent bool) (r seen, err error) {
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
		return r, errNothing
	}
	unread := errors.New("the disk that roots are made on cannot be read: run it as root, on a machine that was set up by 'anicca init'")
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
	base, shut := openBase(d)
	defer shut()
	r.measure = newMeasure(b.Kept(), host.Ignore, f.Accounts.Users())
	r.Review, err = g.reviewDisk(d, base, finding{m.Root, main.Path, silent}, r.measure, from)
	return r, err
}

// measure is what changes are found and weighed by.
type measure struct {
	kept  []string // paths
	homes []string // of people
	users []decl.Account
	scale *review.Scale
	sieve *noise.Sieve
}

func newMeasure(kept []string, ignore []decl.Noise, users []decl.Account) measure {
	var people []decl.Account
	var homes []string
	for _, u := range users {
		if u.Person() {
			people, homes = append(people, u), append(homes, u.Home)
		}
	}
	return measure{kept, homes, users, review.NewScale(config.Presets(), people), noise.New(append(slices.Clone(ignore), config.Noise()...), homes)}
}

func (m measure) look() changes.Look {
	skip := map[string]bool{}
	for _, p := range m.kept {
		skip[p] = true
	}
	return changes.Look{Skip: func(p string) bool { return skip[p] }, Apart: review.Apart(m.scale, m.sieve)}
}

func (g globals) reviewDisk(d *root.Disk, old *sys.Tree, in finding, m measure, from *baseline.Baseline) (r review.Review, err error) {
	base, err := d.Base()
	if err != nil {
		return r, err
	}
	all, err := in.find(d, base, m.look())
	if err != nil {
		return r, err
	}
	if from != nil {
		all = from.Since(all)
	}
	m.scale.Tell(g.origins(all, old, m.users))
	r = review.Make(base.Number, all, m.kept, m.scale, m.sieve)
	if from != nil {
		r.Since = from.When.Unix()
	}
	return r, nil
}
