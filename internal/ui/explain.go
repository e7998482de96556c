package ui

import (
	"fmt"
	"io"
	"strings"

	"anicca/internal/explain"
)

// Explain writes what there is to know of one path.
func Explain(w io.Writer, a *explain.Answer) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-12s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintln(w, visible(a.Path))
	if e := a.Entry; e == nil {
		row("kept", "no: no entry keeps it")
	} else {
		said := "yes"
		if e.Around {
			said += ": it lies in " + e.Path
		}
		row("kept", "%s", said)
		by := e.Pos.String()
		if e.Preset != "" {
			by = "the preset " + e.Preset + ", used at " + by
		}
		if e.Home != "" {
			by += ", for the home of " + e.Home
		}
		row("declared", "%s", by)
		row("store", "%s, as %s%s", e.Store, e.Source, unless(a.InStore, ", which is not there yet"))
		if len(a.Limits) > 0 {
			row("mounted", "%s, as its store is", strings.Join(a.Limits, ", "))
		}
		row("method", "%s%s", e.Method, unless(a.InPlace, ", and not in place"))
		if a.Since != nil {
			row("since", "generation %d, %s", a.Since.Generation, a.Since.When.Local().Format(stamp))
		} else {
			row("since", "not applied yet")
		}
		if p := e.Perm; p.User != "" || p.Group != "" || p.Mode != nil {
			row("declared as", "%s", owned(a))
		}
		row("phase", "%s", a.Phase)
		row("available", "%s", a.Available)
	}
	if b := a.Before; b != nil {
		row("before", "%s: %s", b.Answer, b.Why)
	}
	if n := len(a.Below); n > 8 {
		row("below it", "%s and %d more are kept", strings.Join(a.Below[:8], ", "), n-8)
	} else if n > 0 {
		row("below it", "kept: %s", strings.Join(a.Below, ", "))
	}
	row("next boot", "%s: %s", a.Next.What, a.Next.Why)
}

// owned says the declared owner and mode, and the numbers that the names were when it was applied.
func owned(a *explain.Answer) string {
	p := a.Entry.Perm
	var out []string
	if p.User != "" {
		out = append(out, "user "+p.User)
	}
	if p.Group != "" {
		out = append(out, "group "+p.Group)
	}
	if p.Mode != nil {
		out = append(out, "mode "+p.Mode.String())
	}
	said := strings.Join(out, ", ")
	if a.Numbers != "" {
		said += " (applied as " + a.Numbers + ")"
	}
	return said
}

func unless(ok bool, s string) string {
	if ok {
		return ""
	}
	return s
}
