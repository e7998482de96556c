package ui

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Output is a file that results are written to. It remembers when that failed, such as on a full disk.
type Output struct {
	file *os.File
	err  error
}

// NewOutput makes an output of a file.
func NewOutput(f *os.File) *Output { return &Output{file: f} }

// Write writes to the file.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// Err is the first error of [Output.Write].
func (o *Output) Err() error { return o.err }

func file(w io.Writer) (*os.File, bool) {
	if o, ok := w.(*Output); ok {
		return o.file, true
	}
	f, ok := w.(*os.File)
	return f, ok
}

// Terminal reports whether what is written is seen at once, on a terminal.
func Terminal(w io.Writer) bool {
	f, ok := file(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Screen returns the terminal that standard input and w are, if it can show a whole screen.
func Screen(w io.Writer) (in, out *os.File, ok bool) {
	out, ok = file(w)
	kind := os.Getenv("TERM")
	return os.Stdin, out, ok && kind != "" && kind != "dumb" && term.IsTerminal(int(out.Fd())) && term.IsTerminal(int(os.Stdin.Fd()))
}

// Colour reports whether colours are wanted on a terminal.
func Colour() bool { return os.Getenv("NO_COLOR") == "" }
