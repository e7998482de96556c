package recall_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/recall"
	"anicca/internal/sys"
)

// An old root that is mounted can only be read, does not expire, and is let go of.
func TestMount(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		o, err := c.Old("1")
		must(t, err)
		dir, err := c.Mount(o, "")
		must(t, err)
		for p, want := range map[string]string{"etc/issue": "changed\n", "etc/gone": "(missing)", "home/bird/letter": "letter\n"} {
			if got := read(t, c.at(filepath.Join(dir, p))); got != want {
				t.Errorf("%s: %q, want %q", p, got, want)
			}
		}
		if err := os.WriteFile(c.at(filepath.Join(dir, "x")), nil, 0o644); !errors.Is(err, unix.EROFS) {
			t.Errorf("written to: %v", err)
		}
		if why := c.Disk.Stays()[o.ID]; !strings.Contains(why, "is mounted at "+c.root) {
			t.Errorf("it stays because %q", why)
		}
		if err := c.Disk.Drop(o.ID, time.Now()); err == nil || !strings.Contains(err.Error(), "is mounted at") {
			t.Errorf("dropped while it is mounted: %v", err)
		}
		if got := c.changes("last", "1", "/"); len(got) > 0 {
			t.Errorf("while it is mounted, it looks like %q", got)
		}
		c.look("last", func(v *recall.View) {
			if items, err := recall.Browse(v, "/home/bird"); err != nil || len(items) != 2 {
				t.Errorf("while it is mounted, /home/bird has %v, %v", items, err)
			}
		})
		if _, err := c.Mount(o, ""); err == nil {
			t.Error("mounted twice at one place")
		}
		if err := c.Unmount("/home"); err == nil {
			t.Error("something else was unmounted")
		}
		open, err := os.Open(c.at(filepath.Join(dir, "etc/issue")))
		must(t, err)
		if err := c.Unmount(dir); err == nil || !strings.Contains(err.Error(), fmt.Sprint("(", os.Getpid(), ")")) {
			t.Errorf("unmounted while it is used: %v", err)
		}
		must(t, open.Close())
		must(t, c.Unmount(dir))
		if _, err := os.Stat(c.at(dir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("its directory is left: %v", err)
		}
		write(t, c.at("srv/full/x"), "x")
		if _, err := c.Mount(o, "/srv/full"); err == nil || read(t, c.at("srv/full/x")) != "x" {
			t.Errorf("mounted over data: %v", err)
		}
		must(t, errors.Join(c.Disk.Drop(o.ID, time.Now()), c.Disk.Settle(time.Now())))
	})
}

// Whoever is stopped leaves nothing mounted.
func TestStop(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		before, err := sys.MountsIn("/")
		must(t, err)
		enough := errors.New("enough")
		asked := 0
		c.Stop = func() error {
			if asked++; asked > 5 {
				return enough
			}
			return nil
		}
		a, err := c.Open("base")
		must(t, err)
		b, err := c.Open("last")
		must(t, err)
		if _, _, err := recall.Changes(a, b, "/"); !errors.Is(err, enough) {
			t.Errorf("it went on: %v", err)
		}
		must(t, errors.Join(a.Close(), b.Close()))
		if after, err := sys.MountsIn("/"); err != nil || !slices.Equal(before, after) {
			t.Errorf("mounted before %q, and after %q, %v", before, after, err)
		}
	})
}
