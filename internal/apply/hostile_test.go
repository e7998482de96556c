package apply_test

import (
	"syscall"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/nstest"
)

// hostileComponents are what the user replaces, below the home.
var hostileComponents = []string{
	"Documents", ".config", ".config/app", ".config/app/data", ".config/app/rc", "a", "a/b", "a/b/c", ".rc", ".local/share", "new", "new/sub", "linked",
}

func hostileEntries() []decl.Entry {
	entries := []decl.Entry{
		dir("/home/bird/Documents"), dir("/home/bird/.config/app/data"), file("/home/bird/.config/app/rc", decl.Symlink),
		dir("/home/bird/a/b/c"), file("/home/bird/.rc", decl.Bind), file("/home/bird/.local/share/state", decl.Symlink),
		dir("/home/bird/new/sub"), linked("/home/bird/linked"),
	}
	mode := decl.Mode(0o700)
	for i := range entries {
		entries[i].Home = "bird"
		entries[i].Perm = decl.Perm{User: "bird", Mode: &mode}
		entries[i].Enforce = i%3 != 1
	}
	return entries
}

// inHome is what lies in the home before each apply, and under the same names in places that are none of bird's business.
var inHome = map[string]string{
	"Documents/cv": "cv\n", ".config/app/data/db": "db\n", ".config/app/rc": "rc\n", "a/b/c/d/file": "deep\n",
	".rc": "rc\n", ".local/share/state": "state\n", "linked/sub/file": "linked\n",
}

const secret = "not for bird\n"

// A user replaces components of the home, and of the kept copy of it, by links to elsewhere while apply runs again and again.
// Nothing outside of the home is made, changed, mounted or read.
func TestHostileHome(t *testing.T) {
	nstest.Need(t)
	nstest.NeedIDs(t)
	runs := 1000
	if testing.Short() {
		runs = 50
	}
	h := newHostile(t)
	before := h.outside()
	var refused, clean int
	began := time.Now()
	for range runs {
		h.furnish()
		h.signal(syscall.SIGCONT)
		p := h.plan(hostileEntries()...)
		err := apply.Run(h.root, p, nil)
		h.pause()
		refused += len(p.Conflicts)
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			refused += len(joined.Unwrap())
		} else if err == nil && len(p.Conflicts) == 0 {
			clean++
		}
		h.check(before)
		if t.Failed() {
			return
		}
	}
	swaps := h.end()
	t.Logf("%d applies in %v: %d without any refusal, %d entries refused, %d swaps", runs, time.Since(began).Round(time.Millisecond), clean, refused, swaps)
	if swaps < 10*runs || refused < runs/10 {
		t.Error("the user was not hostile enough for this to prove anything")
	}
}
