package ui

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Terminal reports whether what is written is seen at once, on a terminal.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Screen returns the terminal that standard input and w are, if it can show a whole screen.
func Screen(w io.Writer) (in, out *os.File, ok bool) {
	out, ok = w.(*os.File)
	kind := os.Getenv("TERM")
	return os.Stdin, out, ok && kind != "" && kind != "dumb" && term.IsTerminal(int(out.Fd())) && term.IsTerminal(int(os.Stdin.Fd()))
}

// Colour reports whether colours are wanted on a terminal.
func Colour() bool { return os.Getenv("NO_COLOR") == "" }
