package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/live"
	"anicca/internal/recall"
	"anicca/internal/review"
	"anicca/internal/ui"
	"anicca/internal/ui/screen"
)

// screen lets somebody go through a review, and does what was decided.
func (g globals) screen(c *cobra.Command, r seen, in, out *os.File) error {
	all, err := screen.Run(c.Context(), screen.Options{
		Review: r.Review, Now: time.Now().Unix(), Homes: r.homes, Colour: ui.Colour(),
		Entries: func(u decl.Use) []string { return r.scale.Entries(u.Preset, u.Home) },
		Beware:  beware,
		Diff: func(ctx context.Context, p string) (string, error) {
			var text strings.Builder
			d, err := g.compare(ctx, p)
			if err == nil {
				ui.Diff(&text, d)
			}
			return text.String(), err
		},
		List: func(ctx context.Context, p string) ([]review.Change, error) {
			d, err := g.compare(ctx, p)
			if err != nil {
				return nil, err
			}
			return inside(d, r.kept), nil
		},
		Check: g.checkDecided,
	}, in, out)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "nothing was done")
		return nil
	}
	return g.carryOutDecided(c, all)
}

// beware is what to know before a preset is used.
func beware(u decl.Use) string {
	p, err := config.FindPresets([]string{u.Preset})
	if err != nil || len(p) == 0 || p[0].Hazard == "none known" {
		return ""
	}
	return p[0].Hazard
}

// compare compares what lies at a path in the newest base and in the running root.
func (g globals) compare(ctx context.Context, p string) (d *recall.Diff, err error) {
	return d, g.recallIn(ctx, false, func(m *recall.Machine) error {
		return with(m, recall.Base, func(base *recall.View) error {
			return with(m, recall.Root, func(running *recall.View) error {
				d, err = recall.Compare(base, running, p)
				return err
			})
		})
	})
}

// inside turns what was found below a directory into changes, without what is kept.
func inside(d *recall.Diff, kept []string) []review.Change {
	what := map[string]review.What{recall.Added: review.Added, recall.Changed: review.Modified, recall.Deleted: review.Deleted}
	var out []review.Change
	for _, c := range d.Changes {
		if within(c.Path, kept) {
			continue
		}
		x := review.Change{Path: c.Path, What: what[c.What], Kind: review.File, Files: c.Files, Size: c.Size}
		if c.Dir {
			x.Kind = review.Directory
		}
		out = append(out, x)
	}
	return out
}

// within reports whether p is one of the directories, or lies in one.
func within(p string, dirs []string) bool {
	for ; p != "/"; p = path.Dir(p) {
		if slices.Contains(dirs, p) {
			return true
		}
	}
	return false
}

// sorted takes decisions apart: what goes into the declaration, and what is put back as the base has it.
func sorted(all []screen.Decision) (w live.Wishes, undo []string) {
	for _, d := range all {
		switch {
		case d.Use.Preset != "":
			w.Use = append(w.Use, d.Use)
		case d.What == screen.Keep:
			w.Keep = append(w.Keep, d.Path)
		case d.What == screen.Ignore:
			w.Ignore = append(w.Ignore, d.Pattern)
		case d.What == screen.Undo:
			undo = append(undo, d.Path)
		}
	}
	return w, undo
}

// checkDecided says why what was decided cannot be done, and does nothing.
func (g globals) checkDecided(ctx context.Context, all []screen.Decision) error {
	w, undo := sorted(all)
	var errs []error
	if len(undo) < len(all) {
		m, done, err := g.machine()
		if err != nil {
			return err
		}
		defer done()
		change, err := live.Decide(m, w)
		if err != nil {
			errs = append(errs, err)
		} else {
			for _, c := range change.Plan.Conflicts {
				errs = append(errs, fmt.Errorf("%s: %s\n\t%s", c.Path, c.Msg, c.Hint))
			}
		}
	}
	if len(undo) > 0 {
		errs = append(errs, g.recallIn(ctx, false, func(m *recall.Machine) error {
			return with(m, recall.Base, func(base *recall.View) error {
				var errs []error
				for _, p := range undo {
					_, err := m.Undo(base, p)
					errs = append(errs, err)
				}
				return errors.Join(errs...)
			})
		}))
	}
	return errors.Join(errs...)
}

// carryOutDecided does what was decided, as 'anicca keep' and 'anicca undo' do it.
func (g globals) carryOutDecided(c *cobra.Command, all []screen.Decision) error {
	w, undo := sorted(all)
	if len(undo) < len(all) {
		err := g.live(c, true, false, "", func(m live.Machine) (*live.Change, error) { return live.Decide(m, w) })
		if err != nil {
			if len(undo) > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "nothing was put back; when the rest is well: anicca undo %s\n", words(undo))
			}
			return err
		}
	}
	if len(w.Ignore) > 0 {
		if host, err := g.load(); err == nil {
			g.tellKept(host)
		}
	}
	if len(undo) == 0 {
		return nil
	}
	err := g.undo(c, recall.Base, undo, undoing{yes: true, gone: true})
	if err != nil && len(undo) > 1 {
		fmt.Fprintf(c.ErrOrStderr(), "not all was put back; when that is well: anicca undo %s\n", words(undo))
	}
	return err
}

// words writes paths so that a shell takes them as they are.
func words(paths []string) string {
	out := make([]string, len(paths))
	for i, p := range paths {
		switch {
		case !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsPrint(r) }):
			var b strings.Builder
			for _, c := range []byte(p) {
				fmt.Fprintf(&b, "\\%03o", c)
			}
			out[i] = "$'" + b.String() + "'"
		case strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:,%=") != "":
			out[i] = "'" + strings.ReplaceAll(p, "'", `'\''`) + "'"
		default:
			out[i] = p
		}
	}
	return strings.Join(out, " ")
}
