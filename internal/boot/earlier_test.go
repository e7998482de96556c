package boot

import (
	"slices"
	"strings"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
)

// A session ended, and in the boot after it the power went before anything was in place: its file is still found.
func TestPersistAdoptsFromBeforeAnUnfinishedBoot(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/upper/etc/later", "made later\n")
	d.reset(nil)
	r := d.boot(func(m *Machine) { m.BootID = "the next" })
	if !r.OK() || r.state("/etc/later") != Placed || d.old() != 2 || d.read("/persist/etc/later") != "made later\n" {
		t.Errorf("%d old roots, %q, %+v", d.old(), d.read("/persist/etc/later"), r)
	}
}

// A program has replaced our link by a file, and the root is made anew: what it wrote is not kept, and the user is told where it is.
func TestPersistTellsOfAReplacedLink(t *testing.T) {
	for text, told := range map[string]bool{"newer\n": true, "KEPT\n": true, "kept\n": false} {
		d := newDisk(t, decl.ResetOn)
		d.write("anicca/upper/etc/link", text)
		r := d.boot(nil)
		want := "what it wrote is in old root " + r.Made.Archive
		got := slices.ContainsFunc(r.Problems, func(s string) bool {
			return strings.Contains(strings.ToLower(s), strings.ToLower(want)) && strings.Contains(s, "anicca restore /etc/link --from "+r.Made.Archive)
		})
		if got != told || r.state("/etc/link") != Placed || d.read("/persist/etc/link") != "kept\n" {
			t.Errorf("%q: told %v, %+v", text, got, r)
		}
	}
}

// Two problems of which one is in a user's own home: only the other is a reason to stop a strict boot.
func TestUsersCannotStopAStrictBoot(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	r := d.start(nil)
	d.placed(r)
	b, _ := d.known()
	for i, s := range b.Entries {
		if s.Path == "/srv/data" || s.Path == "/etc/bind" {
			must(t, d.root.Rename(s.Source, s.Source+".moved"))
			must(t, d.root.Symlink("/etc", s.Source))
		}
		if s.Path == "/srv/data" {
			b.Entries[i].Home = &plan.Home{Dir: "/srv", UID: 1000, GID: 1000}
		}
	}
	Persist(r, d.backend, d.root, b, root.Booted{})
	if len(r.Problems) != 2 || r.mild != 1 || !r.grave() {
		t.Errorf("mild %d: %q", r.mild, r.Problems)
	}
	r.Problems = slices.DeleteFunc(r.Problems, func(s string) bool { return strings.Contains(s, "/etc/bind") })
	if r.grave() || r.OK() {
		t.Errorf("grave %v, ok %v: %q", r.grave(), r.OK(), r.Problems)
	}
}
