package watch

import (
	"errors"
	"os"
	"slices"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

var errCut = errors.New("the power is cut")

// cutWalk heals a machine again and again, each time with a power cut before one more call; then another watcher comes.
func cutWalk(t *testing.T, steps []plan.Step, harm func(m *machine), check func(m *machine, n int)) {
	for n := 1; ; n++ {
		m := newMachine(t, steps...)
		w, err := begin(m.options())
		must(t, err)
		w.settle(false)
		harm(m)
		events, _, err := w.events.Wait(-1)
		must(t, err)
		for _, e := range events {
			w.note(e, w.state.Since)
		}
		calls := 0
		sys.Fault = func(string, string) error {
			if calls++; calls >= n {
				return errCut
			}
			return nil
		}
		w.settle(false)
		sys.Fault = nil
		must(t, w.events.Close())
		next, err := begin(m.options())
		must(t, err)
		next.settle(false)
		next.settle(false)
		must(t, next.events.Close())
		check(m, n)
		if calls < n {
			if n < 5 {
				t.Errorf("only %d calls", calls)
			}
			return
		}
	}
}

// A power cut at any call leaves what a program wrote, and the copy of before.
func TestCrashWalkLink(t *testing.T) {
	cutWalk(t, usual[:1], func(m *machine) { m.replace(linked, "newest\n") }, func(m *machine, n int) {
		if !m.isLink() || m.read("/persist"+linked) != "newest\n" {
			t.Errorf("call %d: link %v, kept %q", n, m.isLink(), m.read("/persist"+linked))
		}
		if got := m.asides(linked); !slices.Contains(got, "kept\n") {
			t.Errorf("call %d: aside %q", n, got)
		}
		if _, err := os.Lstat(m.path(apply.Beside(linked))); err == nil {
			t.Errorf("call %d: something is left beside it", n)
		}
	})
}

func TestCrashWalkMount(t *testing.T) {
	drop := func(m *machine) {
		m.sh(true, `umount "$m/etc/app/bound"; echo newest > "$m/etc/app/x"; mv "$m/etc/app/x" "$m/etc/app/bound"`)
	}
	cutWalk(t, usual[1:2], drop, func(m *machine, n int) {
		if got := m.read(bound); got != "newest\n" {
			t.Errorf("call %d: %q is seen", n, got)
		}
		kept := m.read("/persist" + bound)
		if !slices.Contains(append(m.asides(bound), kept), "kept\n") {
			t.Errorf("call %d: the copy of before is lost", n)
		}
		if in := m.inPlace(bound); in != (m.wrong(bound) == "") || in != (kept == "newest\n") {
			t.Errorf("call %d: in place %v, kept %q, wrong %q", n, in, kept, m.wrong(bound))
		}
	})
}

// A program that replaces a link while it is put back is never behind: what it wrote last is kept.
func TestFasterThanTheWatcher(t *testing.T) {
	for _, op := range []string{"symlink", "exchange", "remove"} {
		m := newMachine(t, usual[:1]...)
		w, err := begin(m.options())
		must(t, err)
		w.settle(false)
		m.replace(linked, "first\n")
		again := 0
		sys.Fault = func(is, p string) error {
			if is == op && again < 3 {
				sys.Fault, again = nil, again+1
				m.replace(linked, "second\n")
			}
			return nil
		}
		for range 4 {
			w.all(w.state.Since)
			w.settle(false)
		}
		sys.Fault = nil
		must(t, w.events.Close())
		if !m.isLink() || m.read("/persist"+linked) != "second\n" || again == 0 {
			t.Errorf("%s: link %v, kept %q, %d times", op, m.isLink(), m.read("/persist"+linked), again)
		}
		m.leftNothing()
	}
}
