package ui

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"anicca/internal/recall"
)

// signs of a change stand at the beginning of its line.
var signs = map[string]string{recall.Added: "+", recall.Changed: "~", recall.Deleted: "-"}

// painter colours lines by what they begin with, on a terminal only.
type painter struct {
	w  io.Writer
	on bool
}

func paint(w io.Writer) painter {
	return painter{w, Terminal(w) && Colour()}
}

func (p painter) line(s string) {
	if p.on && s != "" {
		colour := map[byte]string{'+': "32", '-': "31", '~': "33", '@': "36"}[s[0]]
		if strings.HasPrefix(s, "+++") || strings.HasPrefix(s, "---") {
			colour = "1"
		}
		if colour != "" {
			s = "\x1b[" + colour + "m" + s + "\x1b[0m"
		}
	}
	fmt.Fprintln(p.w, s)
}

// Diff writes how a path differs between two places.
func Diff(w io.Writer, d *recall.Diff) {
	out := paint(w)
	for _, m := range d.Meta {
		out.line("~ " + visible(d.Path) + "  " + visible(m))
	}
	for l := range strings.Lines(d.Text) {
		out.line(printable(strings.TrimSuffix(l, "\n")))
	}
	for _, c := range d.Changes {
		out.line(change(c))
	}
	switch {
	case d.Same:
		fmt.Fprintf(w, "%s is the same in %s and in %s\n", visible(d.Path), d.From, d.To)
	case d.Before == nil && d.Text == "":
		out.line(fmt.Sprintf("+ %s  %s, only in %s", visible(d.Path), describe(d.After), d.To))
	case d.After == nil && d.Text == "":
		out.line(fmt.Sprintf("- %s  %s, only in %s", visible(d.Path), describe(d.Before), d.From))
	case d.Content && d.Text == "":
		fmt.Fprintf(w, "the contents of %s differ\n", visible(d.Path))
		Table(w, [][]string{{"  " + d.From, describe(d.Before)}, {"  " + d.To, describe(d.After)}})
	}
	if len(d.Changes) > 0 {
		n := map[string]int{}
		for _, c := range d.Changes {
			n[c.What]++
		}
		fmt.Fprintf(w, "from %s to %s: %d added, %d changed, %d deleted\n", d.From, d.To, n[recall.Added], n[recall.Changed], n[recall.Deleted])
	}
	if n := len(d.Passed); n > 5 {
		fmt.Fprintf(w, "note: not looked into, as they are mounted: %s and %d more\n", visible(strings.Join(d.Passed[:5], ", ")), n-5)
	} else if n > 0 {
		fmt.Fprintf(w, "note: not looked into, as they are mounted: %s\n", visible(strings.Join(d.Passed, ", ")))
	}
}

func change(c recall.Change) string {
	s := signs[c.What] + " " + visible(c.Path)
	switch {
	case c.Dir && c.What != recall.Changed:
		s += fmt.Sprintf("/  %s, %s", Many(c.Files, "file"), Bytes(c.Size))
	case !c.Dir:
		s += "  " + Bytes(c.Size)
	}
	if len(c.Meta) > 0 {
		s += "  " + visible(strings.Join(c.Meta, "; "))
	}
	return s
}

// describe says in a few words what lies at a path.
func describe(v *recall.Version) string {
	s := v.Type
	switch v.Type {
	case "file":
		s = Bytes(v.Size)
	case "link":
		s = "link to " + visible(v.Target)
	}
	if v.Files > 0 {
		s += fmt.Sprintf(", %s, %s", Many(v.Files, "file"), Bytes(v.Size))
	}
	if v.Hash != "" {
		s += "  " + v.Short()
	}
	return s + "  " + v.Changed.Local().Format(stamp)
}

// Log writes what lay at a path at which time. Lines on which nothing changed are left out unless all are wanted.
func Log(w io.Writer, lines []recall.Line, all bool) {
	rows := [][]string{{"WHERE", "WHEN", "RESET", "WHAT", "SIZE", "MODE", "OWNER", "HASH"}}
	left := 0
	for _, l := range lines {
		if !all && l.ID != recall.Root && l.ID != recall.Store && (l.What == recall.Same || l.What == recall.Missing) {
			left++
			continue
		}
		when, reset := "now", ""
		if l.When != nil {
			when = l.When.Local().Format(stamp)
		}
		if l.Boot != 0 {
			reset = strconv.Itoa(l.Boot)
		}
		row := []string{l.ID, when, reset, l.What}
		if v := l.Version; v != nil {
			hash := v.Short()
			if v.Type == "link" {
				hash = "-> " + visible(v.Target)
			}
			row = append(row, Bytes(v.Size), v.Mode, fmt.Sprintf("%d:%d", v.UID, v.GID), hash)
		}
		rows = append(rows, row)
	}
	Table(w, rows)
	if left > 0 {
		fmt.Fprintf(w, "%d more are as the line below them; --all shows them\n", left)
	}
}

// Items writes a listing.
func Items(w io.Writer, items []recall.Item) {
	rows := [][]string{}
	for _, i := range items {
		name := visible(i.Name)
		switch i.Type {
		case "directory":
			name += "/"
		case "link":
			name += " -> " + visible(i.Target)
		}
		size := ""
		if i.Type == "file" {
			size = Bytes(i.Size)
		}
		rows = append(rows, []string{i.Mode, fmt.Sprintf("%d:%d", i.UID, i.GID), size, i.Changed.Local().Format(stamp), name})
	}
	Table(w, rows)
}

// Actions writes what shall be brought back, or taken away.
func Actions(w io.Writer, from string, actions []recall.Action) {
	for _, a := range actions {
		switch a.What {
		case recall.Bring:
			fmt.Fprintf(w, "+ %s  %s, from %s\n", visible(a.To), describe(a.Is), from)
		case recall.Replace:
			fmt.Fprintf(w, "~ %s  %s, from %s\n    in the place of %s%s, which is put aside\n", visible(a.To), describe(a.Is), from, newer(a), describe(a.There))
		case recall.Remove:
			fmt.Fprintf(w, "- %s  %s, which %s has not: it is put aside\n", visible(a.To), describe(a.There), from)
		}
	}
}

// Acted writes what was brought back, or taken away.
func Acted(w io.Writer, from string, a recall.Action) {
	if a.What == recall.Remove {
		fmt.Fprintf(w, "took %s away\n", visible(a.To))
	} else {
		fmt.Fprintf(w, "restored %s from %s\n", visible(a.To), from)
	}
	if a.Aside != "" {
		fmt.Fprintf(w, "    what lay there is %s now: remove it when you do not need it\n", visible(a.Aside))
	}
}

func newer(a recall.Action) string {
	if a.There.Type == "file" && a.There.Changed.After(a.Is.Changed) {
		return "a NEWER "
	}
	return ""
}

// visible writes a name that somebody else has chosen so that a terminal shows it and obeys nothing in it.
func visible(s string) string {
	if q := strconv.Quote(s); len(q) != len(s)+2 {
		return q
	}
	return s
}

// printable does the same for a line of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}
