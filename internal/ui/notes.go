package ui

import (
	"fmt"
	"io"

	"anicca/internal/decl"
)

// Notes writes what is worth knowing of a declaration that is valid.
func Notes(w io.Writer, notes decl.Problems) {
	for _, n := range notes {
		fmt.Fprintln(w, "note:", n.Error())
		if n.Hint != "" {
			fmt.Fprintf(w, "\t%s\n", n.Hint)
		}
	}
}
