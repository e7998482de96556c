package ui

import (
	"fmt"
	"strings"

	"anicca/internal/review"
)

// Many is a number of things, whose name takes an s or becomes -ies where there is not one of them.
func Many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if one, ok := strings.CutSuffix(what, "try"); ok {
		return fmt.Sprintf("%d %stries", n, one)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Visible writes a name that somebody else has chosen so that a terminal shows it and obeys nothing in it.
func Visible(s string) string { return visible(s) }

// Lines does the same for a message, which may have several lines.
func Lines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// Printable does the same for a line of text, which may have tabs.
func Printable(s string) string { return printable(s) }

// Age writes how long ago something was, both in seconds since 1970.
func Age(now, then int64) string { return age(now, then) }

// Counts writes how many files were added, modified and deleted, as "+1 ~2 -3".
func Counts(i review.Item) string { return counts(i) }
