package ui

import "anicca/internal/review"

// Visible writes a name that somebody else has chosen so that a terminal shows it and obeys nothing in it.
func Visible(s string) string { return visible(s) }

// Printable does the same for a line of text, which may have tabs.
func Printable(s string) string { return printable(s) }

// Age writes how long ago something was, both in seconds since 1970.
func Age(now, then int64) string { return age(now, then) }

// Counts writes how many files were added, modified and deleted, as "+1 ~2 -3".
func Counts(i review.Item) string { return counts(i) }
