package ui

import (
	"fmt"
	"io"
	"strings"

	"anicca/internal/review"
)

// Review writes what the next reset would drop, as it is seen at a time, in seconds since 1970.
func Review(w io.Writer, r review.Review, now int64) {
	if len(r.Items) == 0 {
		fmt.Fprintln(w, nothing(r, now))
		quietly(w, r)
		return
	}
	reviewed(w, r, now)
	rows := [][]string{{"WORTH", "SIZE", "AGE", "PATH", "FILES", "KEPT BY", "WRITTEN BY"}}
	var suggested, packages, apart bool
	for _, i := range r.Items {
		rows = append(rows, []string{i.Worth.String(), Bytes(i.Size), age(now, i.Newest), visible(i.Title()), counts(i), preset(i), writer(i)})
		suggested = suggested || i.Preset != ""
		packages = packages || len(i.Packages) > 0
		apart = apart || i.Apart()
	}
	Table(w, rows)
	fmt.Fprintln(w)
	quietly(w, r)
	if suggested {
		fmt.Fprintln(w, "use a preset:      use: NAME: {} in the store, or in users: NAME: {…}; 'anicca presets NAME' shows it")
	}
	if packages {
		fmt.Fprintln(w, "keep packages:     anicca base new, which makes all that is there now the base")
	}
	if apart {
		fmt.Fprintf(w, "keep something:    %sanicca keep PATH\n", sudo(r))
	}
	fmt.Fprintf(w, "see what changed:  %sanicca diff PATH, anicca review%s --all\n", sudo(r), user(r))
}

// user is the option with which the same is reviewed again.
func user(r review.Review) string {
	if r.Home == "" {
		return ""
	}
	return " --user"
}

// sudo is what somebody without root has to say first.
func sudo(r review.Review) string {
	if r.Home == "" {
		return ""
	}
	return "sudo "
}

// ReviewAll writes a line for every change, in the order of their paths.
func ReviewAll(w io.Writer, r review.Review, now int64) {
	reviewed(w, r, now)
	rows := [][]string{{"WHAT", "SIZE", "FILES", "AGE", "PATH", "DIFFERS IN"}}
	for _, c := range r.Changes() {
		rows = append(rows, []string{string(c.What), Bytes(c.Size), fmt.Sprint(c.Files), age(now, c.Modified), visible(c.Path), c.Differs.String()})
	}
	Table(w, rows)
	quietly(w, r)
}

// ReviewNoise writes what was not worth a word, and why.
func ReviewNoise(w io.Writer, r review.Review) {
	if len(r.Noise) == 0 {
		fmt.Fprintln(w, "nothing is left out")
		return
	}
	rows := [][]string{{"WHAT", "SIZE", "PATH", "PATTERN", "WHY"}}
	for _, h := range r.Noise {
		why := h.Noise.Why
		if h.Noise.Pos.IsValid() {
			why = strings.TrimSuffix(h.Noise.Pos.String()+": "+why, ": ")
		}
		rows = append(rows, []string{string(h.What), Bytes(h.Size), visible(h.Path), h.Noise.Pattern, why})
	}
	Table(w, rows)
}

func reviewed(w io.Writer, r review.Review, now int64) {
	what := ""
	if r.Home != "" {
		what = " in " + r.Home
	}
	if r.Since != 0 {
		what += ", of what has come since the baseline of " + age(now, r.Since) + " ago"
	}
	fmt.Fprintf(w, "The next reset would drop %s to %s, %s%s (compared with base %d):\n\n", Many(len(r.Changes()), "change"), Many(r.Files, "file"), Bytes(r.Size), what, r.Base)
}

// nothing says why nothing would go.
func nothing(r review.Review, now int64) string {
	switch {
	case r.Kept != "" && r.Kept == r.Home:
		return "nothing: " + r.Home + " is kept as a whole"
	case r.Kept != "":
		return "nothing: " + r.Home + " lies in " + r.Kept + ", which no reset is about"
	case r.Since != 0:
		return "nothing: nothing has come since the baseline of " + age(now, r.Since) + " ago"
	case r.Home != "":
		return fmt.Sprintf("nothing: in %s nothing was made or changed that base %d does not have, but for what is kept", r.Home, r.Base)
	}
	return fmt.Sprintf("nothing: the root is as base %d has it, but for what is kept", r.Base)
}

// quietly says how much was left out.
func quietly(w io.Writer, r review.Review) {
	if n := len(r.Noise); n > 0 {
		fmt.Fprintf(w, "not worth a word:  %s more; 'anicca review%s --noise' shows them\n", Many(n, "change"), user(r))
	}
}

func preset(i review.Item) string {
	if i.Preset == "" || i.Home == "" {
		return i.Preset
	}
	return i.Preset + " of " + i.Home
}

// writer says who wrote it, and whose it is where that is not to be expected.
func writer(i review.Item) string {
	if !i.Apart() {
		return ""
	}
	out, usual := "", "root"
	if i.Home != "" {
		usual = i.Home
	}
	if i.Writer != nil && i.Writer.Kind != review.Preset {
		out = i.Writer.Name
		if i.Writer.Kind == review.Package {
			out = "package " + out
		}
	}
	if i.Owner != usual {
		out = strings.TrimSpace(out + " as " + i.Owner)
	}
	return out
}

func counts(i review.Item) string {
	var out []string
	for _, c := range []struct {
		n    int
		sign string
	}{{i.Added, "+"}, {i.Modified, "~"}, {i.Deleted, "-"}} {
		if c.n > 0 {
			out = append(out, fmt.Sprint(c.sign, c.n))
		}
	}
	return strings.Join(out, " ")
}

// age writes how long ago something was, both in seconds since 1970.
func age(now, then int64) string {
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	switch d := now - then; {
	case d < 0:
		return "in future"
	case d < hour:
		return fmt.Sprintf("%dmin", d/minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/hour)
	case d < 1000*day:
		return fmt.Sprintf("%dd", d/day)
	default:
		return fmt.Sprintf("%dy", d/(365*day))
	}
}
