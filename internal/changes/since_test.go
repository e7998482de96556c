package changes

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/root"
)

// passed waits until the filesystem's own clock has gone on, and returns a time that lies between what was written before and what comes.
func passed(t *testing.T, dir string) time.Time {
	t.Helper()
	tree := open(t, dir)
	stamp := func() time.Time {
		must(t, os.WriteFile(filepath.Join(dir, ".clock"), nil, 0o600))
		s, err := tree.Stat(".clock")
		must(t, err)
		must(t, os.Remove(filepath.Join(dir, ".clock")))
		return time.Unix(s.Ctim.Unix())
	}
	first := stamp()
	for {
		if now := stamp(); now.After(first) {
			return now
		}
	}
}

// By times alone, what was made and changed since a base is found, and nothing else; directories that are new as a whole are one change where
// that can be told.
func TestSince(t *testing.T) {
	for _, fstype := range []string{"btrfs", "ext4"} {
		t.Run(fstype, func(t *testing.T) {
			at := filepath.Join(disk(t, fstype, 256), "home")
			for _, p := range []string{"old/a", "old/b", "kept/a", "same"} {
				fill(t, at, p)
			}
			from := passed(t, at)
			work(t, at)
			look := Look{Skip: func(p string) bool { return p == "/home/kept" }}
			all, denied, err := Since(open(t, at), "/home", from, false, look)
			must(t, err)
			equal(t, lines(all), []string{"/home/fresh added  2 8", "/home/old/a modified  1 4", "/home/old/new added  1 4"})
			if len(denied) > 0 {
				t.Error(denied)
			}
		})
	}
}

func fill(t *testing.T, at, p string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(filepath.Join(at, p)), 0o755))
	must(t, os.WriteFile(filepath.Join(at, p), []byte("text"), 0o644))
}

func work(t *testing.T, at string) {
	t.Helper()
	for _, p := range []string{"old/a", "old/new", "fresh/x", "fresh/deep/y", "kept/new", ".anicca-tmp-x"} {
		fill(t, at, p)
	}
}

// On an overlay, directories of the base are made anew as soon as anything in them is changed, and so are files: the directories are not new.
func TestSinceOverlay(t *testing.T) {
	top := disk(t, "ext4", 64)
	for _, p := range []string{"home/old/a", "home/old/b", "home/kept/a", "home/same"} {
		fill(t, top, p)
	}
	d, err := root.CreateOverlay(top, ".", root.Ledger{Store: "anicca/store", StorePath: "/persist"}, time.Now())
	must(t, err)
	defer d.Close()
	at := filepath.Join(filepath.Dir(top), "at")
	must(t, os.Mkdir(at, 0o755))
	must(t, d.MountRoot("anicca", at))
	t.Cleanup(func() { must(t, errors.Join(open(t, at).Unmount(".", true))) })
	home := filepath.Join(at, "home")
	from := passed(t, home)
	work(t, home)
	look := Look{Skip: func(p string) bool { return p == "/home/kept" }}
	all, _, err := Since(open(t, home), "/home", from, true, look)
	must(t, err)
	equal(t, lines(all), []string{"/home/fresh/deep/y added  1 4", "/home/fresh/x added  1 4", "/home/old/a added  1 4", "/home/old/new added  1 4"})
}
