package ui

import (
	"fmt"
	"io"

	"anicca/internal/orphans"
)

// stamp is how moments are written.
const stamp = "2006-01-02 15:04:05"

// Orphans writes what lies in the stores without an entry.
func Orphans(w io.Writer, list []orphans.Orphan, forgotten []string) {
	rows := [][]string{{"PATH", "SIZE", "FILES", "LAST KEPT BY", "ORPHAN SINCE", "LIES AT", ""}}
	for _, o := range list {
		last, since, mark := "no known generation", "", ""
		if o.Generation > 0 {
			last = fmt.Sprintf("generation %d", o.Generation)
		}
		if o.Since != nil {
			since = o.Since.Local().Format(stamp)
		}
		if o.InPlace {
			mark = "in place until the next boot"
		}
		rows = append(rows, []string{visible(o.Path), Bytes(o.Size), fmt.Sprint(o.Files), last, since, visible(o.Source), mark})
	}
	if len(list) == 0 {
		fmt.Fprintln(w, "there are no orphans: an entry keeps all that lies in the stores")
	} else {
		Table(w, rows)
		fmt.Fprintln(w, "\nkeep one again:    anicca keep PATH")
		fmt.Fprintln(w, "move it away:      anicca forget --archive PATH")
		fmt.Fprintln(w, "delete it:         anicca forget --delete PATH")
	}
	for _, f := range forgotten {
		fmt.Fprintf(w, "note: %s holds what was forgotten with --archive\n", f)
	}
}

// Bytes writes a size for people.
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/(1<<10), 0
	for ; f >= 1000 && i < len(units)-1; i++ {
		f /= 1 << 10
	}
	if f < 10 {
		return fmt.Sprintf("%.1f %ciB", f, units[i])
	}
	return fmt.Sprintf("%.0f %ciB", f, units[i])
}
