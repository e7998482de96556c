package apply_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/sys"
)

func linked(p string) decl.Entry {
	return decl.Entry{Path: p, Kind: decl.Directory, Method: decl.Symlink}
}

// The directories of this session can be exchanged for a link; those of the layer below an overlay cannot.
func linkable() map[string]string {
	return map[string]string{"base/srv/.keep": "", "upper/srv/data/a": "a\n", "upper/srv/data/sub/b": "b\n", "upper/srv/empty/.keep": ""}
}

func (m *machine) isLink(p string) bool {
	target, err := m.root.Readlink(p)
	return err == nil && target == "/persist"+p
}

func TestLinkDirectories(t *testing.T) {
	files := linkable()
	files["base/srv/below/x"] = "x\n"
	m := newMachine(t, files)
	must(t, m.root.Remove("/srv/empty/.keep"))
	entries := []decl.Entry{linked("/srv/data"), linked("/srv/empty"), linked("/srv/new")}
	must(t, apply.Run(m.root, m.plan(entries...), nil))
	for _, p := range []string{"/srv/data", "/srv/empty", "/srv/new"} {
		if !m.isLink(p) {
			t.Errorf("%s is no link", p)
		}
	}
	if m.read("/persist/srv/data/a") != "a\n" || m.read("/persist/srv/data/sub/b") != "b\n" {
		t.Error("the store does not have the data")
	}
	if names, err := m.root.List("/srv"); err != nil || len(names) != 5 { // nothing is left beside them
		t.Errorf("%v, %v", names, err)
	}
	if again := m.plan(entries...); len(again.Steps)+len(again.Conflicts) != 0 {
		t.Errorf("a second plan finds something to do: %+v %+v", again.Steps, again.Conflicts)
	}
	err := apply.Run(m.root, m.plan(append(entries, linked("/srv/below"))...), nil)
	if err == nil || !strings.Contains(err.Error(), "leave method out") || m.read("/srv/below/x") != "x\n" {
		t.Errorf("a directory that cannot be exchanged: %v", err)
	}
}

// What programs use is not taken from under them.
func TestLinkBusyDirectory(t *testing.T) {
	m := newMachine(t, linkable())
	user := exec.Command("cat")
	user.Dir = m.root.Path("/srv/data/sub")
	stdin, err := user.StdinPipe()
	must(t, err)
	must(t, user.Start())
	err = apply.Run(m.root, m.plan(linked("/srv/data")), nil)
	if err == nil || !strings.Contains(err.Error(), "works in it") || m.read("/srv/data/a") != "a\n" {
		t.Errorf("%v", err)
	}
	stdin.Close()
	must(t, user.Wait())
	must(t, apply.Run(m.root, m.plan(linked("/srv/data")), nil))
	if !m.isLink("/srv/data") {
		t.Error("is no link afterwards")
	}
}

// A directory that has got data since the plan was made is left, and so is one that somebody put in the place of the link.
func TestLinkLooksAgain(t *testing.T) {
	m := newMachine(t, linkable())
	p := m.plan(linked("/srv/new"))
	must(t, os.MkdirAll(m.root.Path("/srv/new"), 0o755))
	must(t, os.WriteFile(m.root.Path("/srv/new/precious"), []byte("p\n"), 0o644))
	if err := apply.Run(m.root, p, nil); !errors.Is(err, apply.ErrWouldLose) || m.read("/srv/new/precious") != "p\n" {
		t.Errorf("%v", err)
	}
	must(t, apply.Run(m.root, m.plan(linked("/srv/data")), nil))
	must(t, os.Remove(m.root.Path("/srv/data")))
	must(t, os.MkdirAll(m.root.Path("/srv/data"), 0o755))
	must(t, os.WriteFile(m.root.Path("/srv/data/a"), []byte("another\n"), 0o644))
	if p := m.plan(linked("/srv/data")); len(p.Conflicts) != 1 {
		t.Errorf("%+v", p)
	}
}

// An entry can be kept by the other method from some day on.
func TestLinkInsteadOfMount(t *testing.T) {
	m := newMachine(t, linkable())
	must(t, apply.Run(m.root, m.plan(linked("/srv/data")), nil))
	must(t, apply.Run(m.root, m.plan(dir("/srv/data")), nil))
	if ok, err := sys.MountedFrom(m.root, "/persist/srv/data", m.root, "/srv/data"); err != nil || !ok {
		t.Errorf("is no mount: %v", err)
	}
	p := m.plan(linked("/srv/data"))
	if len(p.Conflicts) != 0 || len(p.Notes) != 1 {
		t.Errorf("%+v", p)
	}
	must(t, apply.Run(m.root, p, nil))
	m.stop()
	m.start()
	store, err := m.root.Sub("/persist")
	must(t, err)
	defer store.Close()
	b, err := apply.Current(store)
	must(t, err)
	must(t, apply.Place(m.root, b.Entries[0]))
	if !m.isLink("/srv/data") || m.read("/persist/srv/data/a") != "a\n" {
		t.Error("is no link after a boot")
	}
}

func TestLinkPowerCutAtEveryCall(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	for n := 1; ; n++ {
		m := newMachine(t, linkable())
		p := m.plan(linked("/srv/data"))
		left := n
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		err := apply.Run(m.root, p, nil)
		sys.Fault = nil
		m.stop()
		m.start()
		at := "/srv/data"
		if m.isLink(at) {
			at = "/persist/srv/data"
		}
		if m.read(at+"/a") != "a\n" || m.read(at+"/sub/b") != "b\n" {
			t.Fatalf("call %d: the data is not at its path", n)
		}
		must(t, apply.Run(m.root, m.plan(linked("/srv/data")), nil))
		if !m.isLink("/srv/data") || m.read("/persist/srv/data/a") != "a\n" || m.read("/persist/srv/data/sub/b") != "b\n" {
			t.Fatalf("call %d: a second apply does not finish", n)
		}
		if err == nil {
			if n < 10 {
				t.Fatalf("only %d calls", n)
			}
			return
		}
	}
}

// What a program writes in the last moment, and the store has no room for, is not removed by the next boot as something unfinished.
func TestLinkKeepsWhatTheStoreCannotTake(t *testing.T) {
	defer func() { sys.Fault = nil }()
	m := newMachine(t, linkable())
	full := false
	sys.Fault = func(op, p string) error {
		if full && strings.Contains(p, "/persist/srv") {
			return errors.New("no space left on device")
		}
		if op == "exchange" {
			full = true
			must(t, os.WriteFile(m.root.Path("/srv/data/last"), []byte("last\n"), 0o644))
		}
		return nil
	}
	err := apply.Run(m.root, m.plan(linked("/srv/data")), nil)
	sys.Fault = nil
	if err == nil || !full {
		t.Fatalf("%v", err)
	}
	must(t, m.root.Sweep("/srv", time.Now().Add(time.Hour))) // as a boot does that keeps the root
	names, err := m.root.List("/srv")
	must(t, err)
	for _, n := range names {
		if data, _ := os.ReadFile(m.root.Path("/srv/" + n + "/last")); string(data) == "last\n" {
			return
		}
	}
	t.Errorf("what was written is gone: %q", names)
}
