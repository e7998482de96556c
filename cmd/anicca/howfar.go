package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"anicca/internal/ui"
)

// howFar shows on the terminal behind f, if it is one, a line that says how far something is that takes longer than a second. Stop takes the line
// away again, before anything else is written there.
func howFar(f *os.File, text func() string) (stop func()) {
	if !ui.Terminal(f) {
		return func() {}
	}
	return howFarEvery(f, time.Second, time.Second/5, text)
}

func howFarEvery(f *os.File, first, then time.Duration, text func() string) (stop func()) {
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
