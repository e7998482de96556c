package ui

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// Terminal reports whether what is written is seen at once, on a terminal.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Progress shows on the terminal behind f, if it is one, a line that says how far something is that takes longer than a second. Stop takes the line
// away again, before anything else is written there.
func Progress(f *os.File, text func() string) (stop func()) {
	if !Terminal(f) {
		return func() {}
	}
	return progress(f, time.Second, time.Second/5, text)
}

func progress(f *os.File, first, then time.Duration, text func() string) (stop func()) {
	end := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		const wipe = "\r\x1b[K"
		wait := time.NewTimer(first)
		defer wait.Stop()
		for before := ""; ; wait.Reset(then) {
			select {
			case <-end:
				if before != "" {
					fmt.Fprint(f, wipe)
				}
				return
			case <-wait.C:
				if now := text(); now != before {
					before = now
					fmt.Fprint(f, wipe, now)
				}
			}
		}
	})
	return sync.OnceFunc(func() {
		close(end)
		shown.Wait()
	})
}

// Grouped writes a number with commas between thousands.
func Grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
