package main

import (
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpWidth is how many columns of a terminal the help takes: as many as every terminal has.
const helpWidth = 80

// fit makes the help of a verb, and of those below it, fit.
func fit(c *cobra.Command) {
	c.Long = fill(c.Long, helpWidth)
	for _, sub := range c.Commands() {
		fit(sub)
	}
}

// fill breaks the lines of a text anew, paragraph by paragraph. What fits stays as it is, and so do indented lines.
func fill(text string, width int) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		lines := strings.Split(p, "\n")
		wide := false
		for _, l := range lines {
			wide = wide || utf8.RuneCountInString(l) > width
		}
		if !wide || strings.HasPrefix(p, " ") {
			continue
		}
		var out strings.Builder
		at := 0
		for w := range strings.FieldsSeq(p) {
			n := utf8.RuneCountInString(w)
			switch {
			case at == 0:
			case at+1+n > width:
				out.WriteByte('\n')
				at = 0
			default:
				out.WriteByte(' ')
				at++
			}
			out.WriteString(w)
			at += n
		}
		paragraphs[i] = out.String()
	}
	return strings.Join(paragraphs, "\n\n")
}
