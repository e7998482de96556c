package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
)

// mutate is a session: 500 files grow, 250 are replaced, 250 get another mode, 200 are deleted and 300 made.
func mutate(dir string, files int) error {
	r := rand.New(rand.NewSource(42))
	done := map[int]bool{}
	pick := func() string {
		for {
			if i := r.Intn(files); !done[i] {
				done[i] = true
				return filepath.Join(dir, "data", fmt.Sprint(i/500), fmt.Sprint(i))
			}
		}
	}
	for i := range 1500 {
		p := pick()
		var err error
		switch {
		case i < 500:
			var f *os.File
			if f, err = os.OpenFile(p, os.O_WRONLY|os.O_APPEND, 0); err == nil {
				_, err = io.WriteString(f, "changed\n")
				err = errors.Join(err, f.Close())
			}
		case i < 750:
			err = errors.Join(os.WriteFile(p+".new", []byte("replaced\n"), 0o644), os.Rename(p+".new", p))
		case i < 1000:
			err = os.Chmod(p, 0o600)
		case i < 1200:
			err = os.Remove(p)
		default:
			err = os.WriteFile(p+".added", []byte("new\n"), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return settle(dir)
}
