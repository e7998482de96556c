package screen

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"anicca/internal/ui"
)

// cells is how many columns a text takes.
func cells(s string) int { return ansi.StringWidthWc(s) }

// pad makes a text exactly so wide.
func pad(s string, width int) string {
	if cells(s) > width {
		s = ansi.TruncateWc(s, width, "")
	}
	return s + strings.Repeat(" ", max(0, width-cells(s)))
}

// right is pad with the text at the right end.
func right(s string, width int) string {
	return pad(strings.Repeat(" ", max(0, width-cells(s)))+s, width)
}

const dots = "..."

// middle cuts a text that is wider in the middle; the end, which tells most of a path, keeps more.
func middle(s string, width int) string {
	n := cells(s)
	if n <= width {
		return s
	}
	if width < 8 {
		return ansi.TruncateLeftWc(s, n-max(width, 0), "")
	}
	left := (width - len(dots)) / 3
	end := ansi.TruncateLeftWc(s, n-(width-len(dots)-left), "")
	return ansi.TruncateWc(s, left, "") + dots + end
}

// wrap breaks a text, which may be foreign, into lines that are not wider.
func wrap(s string, width int) []string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		l = tidy(l)
		if cells(l) <= width {
			out = append(out, l)
			continue
		}
		out = append(out, strings.Split(ansi.WrapWc(l, max(width, 1), ""), "\n")...)
	}
	return out
}

// chop does the same to a line in which every space counts.
func chop(s string, width int) []string {
	if cells(s) <= width {
		return []string{s}
	}
	return strings.Split(ansi.HardwrapWc(s, max(width, 1), true), "\n")
}

// tidy makes a line of a foreign text safe to show: tabs become spaces, and what a terminal would obey is seen.
func tidy(s string) string {
	parts := strings.Split(ui.Printable(s), "\t")
	var b strings.Builder
	for i, p := range parts {
		p = strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return unicode.ReplacementChar
			}
			return r
		}, p)
		b.WriteString(p)
		if i < len(parts)-1 {
			b.WriteString(strings.Repeat(" ", 8-cells(p)%8))
		}
	}
	return b.String()
}

// Ways to set a text off. No meaning is in them alone.
const (
	bold    = "1"
	reverse = "7"
	red     = "31"
	green   = "32"
	yellow  = "33"
	cyan    = "36"
)

func (m *Model) paint(s, how string) string {
	if how == "" || s == "" || !m.o.Colour && len(how) > 1 {
		return s
	}
	return "\x1b[" + how + "m" + s + "\x1b[0m"
}
