package recall_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/recall"
	"anicca/internal/sys"
)

// A whole directory of the base comes back in one step, and what it had become stays beside it.
func TestUndoADirectory(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.look("base", func(v *recall.View) {
			a, err := c.Undo(v, "/etc")
			must(t, err)
			c.do(v, []recall.Action{*a}, nil)
			if got := c.changes("base", "root", "/etc"); len(got) > 0 {
				t.Errorf("it differs from the base: %q", got)
			}
			beside, err := filepath.Glob(c.at(".etc.anicca-*"))
			if err != nil || len(beside) != 1 || read(t, beside[0]+"/issue") != "changed\n" {
				t.Errorf("beside it: %v, %v", beside, err)
			}
			if a, err := c.Undo(v, "/etc"); a != nil || err != nil {
				t.Errorf("again: %+v, %v", a, err)
			}
		})
	})
}

// What has the longest of names is put aside as well.
func TestUndoALongName(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		for _, name := range []string{strings.Repeat("語", 85), strings.Repeat("x", 255)} {
			write(t, c.at("srv/"+name), "mine\n")
			c.look("base", func(v *recall.View) {
				a, err := c.Undo(v, "/srv/"+name)
				must(t, err)
				done := c.do(v, []recall.Action{*a}, nil)
				if got := read(t, c.at(done[0].Aside)); got != "mine\n" {
					t.Errorf("put aside: %q", got)
				}
			})
		}
	})
}

// The power is cut at every call while something is replaced: what lay there and what comes are both there, whole, under names
// that nothing removes.
func TestReplaceIsNeverCutInHalf(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		write(t, c.at("srv/f"), "old\n")
		c.boot()
		defer func() { sys.Fault = nil }()
		for n, cut := 1, true; cut; n++ {
			must(t, os.RemoveAll(c.at("srv")))
			write(t, c.at("srv/f"), "newer\n")
			c.look("last", func(v *recall.View) {
				actions := mustPlan(t, &c.Machine, v, "/srv/f", "/srv/f")
				left := n
				cut = false
				sys.Fault = func(string, string) error {
					if left--; left <= 0 {
						cut = true
						return errors.New("power cut")
					}
					return nil
				}
				err := c.Do(v, &actions[0], time.Now())
				sys.Fault = nil
				if (err != nil) != cut {
					t.Fatalf("call %d: %v", n, err)
				}
			})
			found := 0
			names, err := filepath.Glob(c.at("srv/*"))
			must(t, err)
			for _, p := range names {
				if !sys.IsTemp(filepath.Base(p)) && read(t, p) == "newer\n" {
					found++
				}
			}
			if s := read(t, c.at("srv/f")); found != 1 || s != "newer\n" && s != "old\n" {
				t.Fatalf("call %d: %d of what lay there, and %q in its place", n, found, s)
			}
			if n > 100 {
				t.Fatal("there is no end")
			}
		}
	})
}
