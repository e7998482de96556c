package recall_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/recall"
	"anicca/internal/sys"
)

// Who stops a restore gets nothing more, and what lies there stays.
func TestRestoreIsStopped(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		stopped := errors.New("stopped")
		c.look("last", func(v *recall.View) {
			actions := append(mustPlan(t, &c.Machine, v, "/srv/new/a", "/srv/new/a"), mustPlan(t, &c.Machine, v, "/etc/issue", "/etc/issue")...)
			must(t, c.Do(v, &actions[0], time.Now()))
			c.Stop = func() error { return stopped }
			if err := c.Do(v, &actions[1], time.Now()); !errors.Is(err, stopped) {
				t.Errorf("%v", err)
			}
			if read(t, c.at("srv/new/a")) != "a\n" || read(t, c.at("etc/issue")) != "base\n" {
				t.Error("the wrong one was brought back")
			}
		})
	})
}

// Not all filesystems let two things change places in one step. At whatever call that ends, what lay there and what comes are both there.
func TestRestoreWithoutExchange(t *testing.T) {
	defer func() { sys.Fault = nil }()
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		write(t, c.at("etc/issue"), "mine\n")
		c.look("last", func(v *recall.View) {
			for cut := 0; ; cut++ {
				if cut == 20 {
					t.Fatal("it is never done")
				}
				a := mustPlan(t, &c.Machine, v, "/etc/issue", "/etc/issue")[0]
				calls := 0
				sys.Fault = func(op, _ string) error {
					if op == "exchange" {
						return unix.EINVAL
					}
					if op == "rename" {
						calls++
						if calls == cut {
							return unix.EIO
						}
					}
					return nil
				}
				err := c.Do(v, &a, time.Now())
				sys.Fault = nil
				if err != nil {
					if got := read(t, c.at("etc/issue")); got != "mine\n" {
						t.Errorf("call %d: %v, and %q lies there", cut, err, got)
					}
					left, err := filepath.Glob(c.at("etc/.issue.anicca-*"))
					if err != nil || len(left) > 0 {
						t.Errorf("call %d: %v, %q is left", cut, err, left)
					}
					continue
				}
				if read(t, c.at("etc/issue")) != "changed\n" || read(t, c.at(a.Aside)) != "mine\n" {
					t.Errorf("%+v", a)
				}
				if cut > 3 {
					return
				}
				write(t, c.at("etc/issue"), "mine\n")
				must(t, os.Remove(c.at(a.Aside)))
			}
		})
	})
}
