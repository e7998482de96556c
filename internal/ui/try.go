package ui

import (
	"fmt"
	"io"
	"strings"
)

// Try writes what the little machine lived through: for each boot, what was kept and what was lost.
func Try(w io.Writer, declaration string, boots [][2][]string, restored []string) {
	fmt.Fprintln(w, "A little machine declares:")
	fmt.Fprintln(w)
	for line := range strings.Lines(declaration) {
		fmt.Fprint(w, "    ", line)
	}
	for i, b := range boots {
		fmt.Fprintf(w, "\nBoot %d. Of what programs wrote before it,\n", i+1)
		rows := [][]string{{"  kept", "lost"}}
		for n := range max(len(b[0]), len(b[1])) {
			row := []string{"", ""}
			for k := range row {
				if n < len(b[k]) {
					row[k] = b[k][n]
				}
			}
			row[0] = "  " + row[0]
			rows = append(rows, row)
		}
		Table(w, rows)
	}
	for _, p := range restored {
		fmt.Fprintf(w, "\nBrought back from the archive: %s\n", p)
	}
	fmt.Fprintln(w, "\nThis machine was not touched. To set one up: anicca init")
}
