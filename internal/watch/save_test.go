package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
)

// What a session changes in a carried file is in the store soon, and is no change any more for the next boot.
func TestSaved(t *testing.T) {
	eachWay(t, func(t *testing.T, m *machine) {
		m.watch()
		m.replace(carried, "replaced\n")
		m.until("it is saved", func() bool { return m.read("/persist"+carried) == "replaced\n" })
		m.write(carried, "in place\n")
		must(t, os.Chmod(m.path(carried), 0o600))
		m.until("it is saved", func() bool {
			s, err := os.Stat(m.path("/persist" + carried))
			return err == nil && s.Mode().Perm() == 0o600 && m.read("/persist"+carried) == "in place\n"
		})
		m.end()
		if got := m.read(decl.PlacedFile("/persist", "root-1", carried)); got != "in place\n" {
			t.Errorf("the next boot will take it for changed since: %q", got)
		}
		if got := m.asides(carried); len(got) > 0 {
			t.Errorf("aside: %q", got)
		}
	})
}

// A deletion is left for the next boot, and what somebody puts into the store is too: the running file is never touched.
func TestSaveOnly(t *testing.T) {
	m := newMachine(t, usual[2], plan.Step{Kind: plan.Carry, Path: "/etc/other"}, plan.Step{Kind: plan.Carry, Path: "/etc/third"})
	m.watch()
	must(t, os.Remove(m.path(carried)))
	m.write("/persist/etc/other", "restored\n")
	must(t, os.Chmod(m.path("/etc/other"), 0o644)) // so that it is looked at
	m.replace("/etc/third", "third\n")
	m.until("the third is saved", func() bool { return m.read("/persist/etc/third") == "third\n" })
	if got := m.read("/persist" + carried); got != "kept\n" {
		t.Errorf("deleted: %q", got)
	}
	if got := m.read("/etc/other"); got != "kept\n" {
		t.Errorf("the running file: %q", got)
	}
	if _, err := os.Stat(m.path(carried)); err == nil {
		t.Error("what was deleted is there again")
	}
}

// What lies in place of a file that the boot could not place is no version of it.
func TestSaveOnlyWhatWasPlaced(t *testing.T) {
	m := newMachine(t, usual[2], plan.Step{Kind: plan.Carry, Path: "/etc/other"}, plan.Step{Kind: plan.Carry, Path: "/etc/third"})
	o := m.options()
	o.Record.Generation = m.plan().Generation
	o.Record.Entries = []boot.Entry{{Path: carried, State: boot.Missed}, {Path: "/etc/other", State: boot.Placed}}
	w, err := begin(o)
	must(t, err)
	defer w.events.Close()
	for _, p := range []string{carried, "/etc/other", "/etc/third"} {
		m.replace(p, "base\n")
	}
	w.settle(true)
	if got := m.read("/persist/etc/other"); got != "base\n" {
		t.Errorf("what was placed is not saved: %q", got)
	}
	for _, p := range []string{carried, "/etc/third"} {
		if got := m.read("/persist" + p); got != "kept\n" {
			t.Errorf("%s: %q", p, got)
		}
	}
}

// Account databases are saved together, and not while one of them is half written.
func TestSaveAccounts(t *testing.T) {
	m := newMachine(t, plan.Step{Kind: plan.Carry, Path: "/etc/group"}, plan.Step{Kind: plan.Carry, Path: "/etc/passwd"}, usual[2])
	const root, bird = "root:x:0:0::/root:/bin/sh\n", "bird:x:1000:1000::/home/bird:/bin/sh\n"
	m.replace("/etc/passwd", root)
	m.replace("/etc/group", "root:x:0:\n")
	m.watch()
	m.until("the first are saved", func() bool { return m.read("/persist/etc/passwd") == root })
	m.replace("/etc/group", "root:x:0:\nbird:x:1000:\n")
	m.replace("/etc/passwd", root+"bird:x:10")
	m.until("it is told", func() bool { return strings.Contains(m.wrong("/etc/passwd"), "not saved yet") })
	if got := m.read("/persist/etc/group"); got != "root:x:0:\n" {
		t.Errorf("half a set was saved: %q", got)
	}
	if got := m.read("/etc/passwd"); got != root+"bird:x:10" {
		t.Errorf("what is being written was changed: %q", got)
	}
	m.replace("/etc/passwd", root+bird)
	m.until("all are saved", func() bool {
		return m.read("/persist/etc/passwd") == root+bird && strings.Contains(m.read("/persist/etc/group"), "bird") && m.wrong("/etc/passwd") == ""
	})
	// One that is open for writing may be half written, however sound it looks.
	f, err := os.OpenFile(m.path("/etc/passwd"), os.O_WRONLY|os.O_TRUNC, 0)
	must(t, err)
	_, err = f.WriteString(root)
	must(t, err)
	m.replace("/etc/group", "root:x:0:\n")
	m.replace(carried, "seen\n")
	m.until("the other is saved", func() bool { return m.read("/persist"+carried) == "seen\n" })
	if got := m.read("/persist/etc/passwd"); got != root+bird {
		t.Errorf("half a file was saved: %q", got)
	}
	must(t, f.Close())
	m.until("it is saved when it is closed", func() bool { return m.read("/persist/etc/passwd") == root })
	sets, err := filepath.Glob(m.path("/persist/.anicca/carry/accounts/*"))
	must(t, err)
	if len(sets) != 1 {
		t.Errorf("a session pushes older sets out: %q", sets)
	}
}

// A file that a program never stops writing to is saved all the same.
func TestSaveEndless(t *testing.T) {
	m := newMachine(t)
	m.watch()
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(quiet / 10):
				_ = os.WriteFile(m.path(carried+"+"), []byte("again\n"), 0o644)
				_ = os.Rename(m.path(carried+"+"), m.path(carried))
			}
		}
	}()
	m.until("it is saved", func() bool { return m.read("/persist"+carried) == "again\n" })
	close(stop)
	<-done
}

// The end saves what was not quiet yet.
func TestEnd(t *testing.T) {
	m := newMachine(t)
	m.watch()
	m.replace(carried, "last\n")
	m.replace(linked, "last\n")
	m.sh(true, `umount "$m/etc/app/bound"; echo last > "$m/etc/app/x"; mv "$m/etc/app/x" "$m/etc/app/bound"`)
	m.end()
	for _, p := range []string{carried, linked, bound} {
		if got := m.read("/persist" + p); got != "last\n" {
			t.Errorf("%s: %q", p, got)
		}
	}
	if s, runs, err := ReadState(m.state()); err != nil || runs || !s.Ended {
		t.Errorf("%+v, %v, %v", s, runs, err)
	}
}

// What the kernel could not tell any more is found all the same.
func TestTooMuch(t *testing.T) {
	eachWay(t, func(t *testing.T, m *machine) {
		w, err := begin(m.options())
		must(t, err)
		defer w.events.Close()
		w.settle(false)
		for i := range 20000 { // by default the kernel queues 16384 events
			p := m.path("/etc/app/" + strconv.Itoa(i))
			must(t, os.WriteFile(p, nil, 0o600))
			must(t, os.Remove(p))
		}
		m.replace(linked, "after\n")
		m.replace(carried, "after\n")
		events, _, err := w.events.Wait(0)
		must(t, err)
		lost := false
		for _, e := range events {
			if slices.Contains([]string{"linked", "carried"}, e.Name) {
				t.Errorf("the queue held even %s", e.Name)
			}
			lost = lost || e.Lost
			w.note(e, time.Now())
		}
		if !lost || w.due.IsZero() {
			t.Fatalf("%d events, and nothing was lost", len(events))
		}
		w.settle(false)
		if !m.isLink() || m.read("/persist"+linked) != "after\n" || m.read("/persist"+carried) != "after\n" {
			t.Errorf("%q, %q", m.read("/persist"+linked), m.read("/persist"+carried))
		}
	})
}

// The kernel tells who did it; where it does not, nobody is named.
func TestTold(t *testing.T) {
	m := newMachine(t)
	m.watch()
	m.sh(false, `printf told > "$m/etc/app/carried"; sleep 1`)
	m.until("it is saved", func() bool { return m.read("/persist"+carried) == "told" })
	m.until("it is said by whom", func() bool {
		return slices.ContainsFunc(m.lines(), func(s string) bool {
			return strings.HasPrefix(s, carried+": saved in the store: changed by sh") && strings.Contains(s, "pid ")
		})
	})
}
