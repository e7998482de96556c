package boot

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// newPolicy is a machine that carries one file with what the declaration says of it, after its first boot.
func newPolicy(t *testing.T, s plan.Step) *disk {
	t.Helper()
	d := newCarrier(t)
	d.unmount()
	s.Kind, s.Path = plan.Carry, carriedPath
	d.declare(decl.ResetOn, []plan.Step{s})
	d.restart(nil)
	d.both(carriedPath, "kept\n")
	return d
}

// Both sides have changed, and the declaration prefers the store's. No boot stops for what is settled.
func TestCarryStoreWins(t *testing.T) {
	d := newPolicy(t, plan.Step{OnConflict: decl.StoreWins})
	d.replace(carriedPath, "session\n")
	d.restart(nil)
	d.both(carriedPath, "session\n") // only one side has
	d.replace(carriedPath, "session 2\n")
	d.write("store"+carriedPath, "backup\n")
	r := d.restart(nil)
	d.both(carriedPath, "backup\n")
	if got := d.aside(carriedPath); !slices.Equal(got, []string{"session 2\n"}) || r.OK() || r.grave() || !said(r, "was changed on both sides, and the session's version was put aside") {
		t.Errorf("put aside: %q, %q", got, r.Problems)
	}
	if r = d.restart(nil); !r.OK() {
		t.Errorf("told again: %q", r.Problems)
	}
}

// Both sides have changed, and the user is to decide: each goes on with its own, boot after boot, until then.
func TestCarryAsks(t *testing.T) {
	for what, c := range map[string]struct {
		decide func(d *disk)
		want   string
	}{
		"for the session's":              {func(d *disk) { d.copy(carriedPath, "/persist"+carriedPath) }, "session 3\n"},
		"for the store's":                {func(d *disk) { d.copy("/persist"+carriedPath, carriedPath) }, "backup 2\n"},
		"by deleting the session's":      {func(d *disk) { must(d.t, d.root.Remove(carriedPath)) }, "backup 2\n"},
		"by moving the store's away":     {func(d *disk) { must(d.t, d.root.Remove("/persist"+carriedPath)) }, "session 3\n"},
		"in the middle of a power cut":   {func(d *disk) { d.copy("/persist"+carriedPath, carriedPath); d.unmount(); d.reset(nil); d.mount() }, "backup 2\n"},
		"in a session that is not reset": {func(d *disk) { d.restart(cmdline("anicca=keep")); d.copy("/persist"+carriedPath, carriedPath) }, "backup 2\n"},
	} {
		t.Run(what, func(t *testing.T) {
			d := newPolicy(t, plan.Step{OnConflict: decl.Ask})
			d.replace(carriedPath, "session\n")
			d.write("store"+carriedPath, "backup\n")
			open := func(session, store string) {
				t.Helper()
				r := d.restart(nil)
				d.want(carriedPath, session)
				d.want("/persist"+carriedPath, store)
				if !said(r, "you are to decide") || r.OK() || r.grave() || len(d.aside(carriedPath)) > 0 {
					t.Errorf("%q", r.Problems)
				}
			}
			open("session\n", "backup\n")
			open("session\n", "backup\n")
			d.replace(carriedPath, "session 3\n")
			d.write("store"+carriedPath, "backup 2\n")
			open("session 3\n", "backup 2\n")
			c.decide(d)
			r := d.restart(nil)
			d.both(carriedPath, c.want)
			if !r.OK() {
				t.Errorf("decided: %q", r.Problems)
			}
			d.replace(carriedPath, "and on\n")
			r = d.restart(nil)
			d.both(carriedPath, "and on\n")
			if !r.OK() {
				t.Errorf("after that: %q", r.Problems)
			}
		})
	}
}

// copy copies a file over another, as cp -a does.
func (d *disk) copy(from, to string) {
	d.t.Helper()
	from, to = filepath.Join(d.root.Name(), from), filepath.Join(d.root.Name(), to)
	data, err := os.ReadFile(from)
	must(d.t, err)
	s, err := os.Stat(from)
	must(d.t, err)
	must(d.t, os.WriteFile(to, data, s.Mode()))
	must(d.t, os.Chmod(to, s.Mode()))
}

// What a session deletes is placed again, as the store has it.
func TestCarryRestores(t *testing.T) {
	d := newPolicy(t, plan.Step{OnDelete: decl.Restore})
	for range 2 {
		must(t, d.root.Remove(carriedPath))
		r := d.restart(nil)
		d.both(carriedPath, "kept\n")
		if !r.OK() || !said(r, "is placed again, as onDelete says") || len(d.aside(carriedPath)) > 0 {
			t.Errorf("%q %q", r.Problems, r.Notes)
		}
	}
	d.replace(carriedPath, "session\n")
	d.restart(nil)
	d.both(carriedPath, "session\n")
}

// The power goes after a version was put aside, and before anybody was told: the next boot tells it, once the booted system
// has it not again, and nothing lies aside twice.
func TestCarryTellsAfterAPowerCut(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	for n := 1; n < 150; n += 4 { // the walk of [TestCarryCrashWalk] is at each
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			d := newCarrier(t)
			d.replace(carriedPath, "session\n")
			d.write("store"+carriedPath, "backup\n")
			d.replace("/etc/passwd", "root:x:0:0:session:/root:/bin/sh\n")
			d.unmount()
			r := d.reset(nil)
			d.mount()
			left := n
			sys.Fault = func(string, string) error {
				if left--; left <= 0 {
					return cut
				}
				return nil
			}
			d.persist(r) // and all that it says is lost
			sys.Fault = nil
			r = d.restart(nil)
			d.both(carriedPath, "session\n")
			if got := d.aside(carriedPath); !slices.Equal(got, []string{"backup\n"}) || !said(r, "was changed on both sides") || r.grave() || len(r.Problems) != 1 {
				t.Fatalf("put aside %q, said %q", got, r.Problems)
			}
			if sets, err := filepath.Glob(d.dir + "/store/.anicca/carry/accounts/[0-9]*/etc/passwd"); err != nil || len(sets) != 1 {
				t.Fatalf("sets %q, %v", sets, err)
			}
			if r = d.restart(nil); !r.OK() {
				t.Fatalf("told again: %q", r.Problems)
			}
		})
	}
}

// The booted system has told it, and then forgets it.
func TestCarryIsHeard(t *testing.T) {
	bannerPath = filepath.Join(t.TempDir(), "motd.d/10-anicca")
	d := newCarrier(t)
	d.replace(carriedPath, "session\n")
	d.write("store"+carriedPath, "backup\n")
	d.unmount()
	r := d.reset(nil)
	d.mount()
	d.persist(r)
	untold := (&apply.Carrier{Root: d.root, Store: "/persist"}).Untold
	if got := untold(); len(got) != 1 || len(r.Problems) != 1 || got[0] != r.Problems[0] {
		t.Errorf("%q, %q", got, r.Problems)
	}
	if r = d.finish(r); !said(r, "was changed on both sides") || len(untold()) > 0 {
		t.Errorf("%q, %q", untold(), r.Problems)
	}
}

// It could not be written down what was placed in a session: what that changes is put aside by the next boot, and told; what it
// has not changed is no matter.
func TestCarryUnwritten(t *testing.T) {
	for what, c := range map[string]struct {
		session string
		aside   []string
	}{"changed": {"precious\n", []string{"precious\n"}}, "not changed": {"", nil}} {
		t.Run(what, func(t *testing.T) {
			d := newCarrier(t)
			d.replace(carriedPath, "one\n")
			d.unmount()
			r := d.reset(nil)
			d.mount()
			sys.Fault = func(op, p string) error {
				if strings.Contains(p, decl.PlacedDir) {
					return errors.New("no space left on device")
				}
				return nil
			}
			d.persist(r)
			sys.Fault = nil
			d.both(carriedPath, "one\n")
			if !said(r, "could not be written down, so what this session changes") {
				t.Errorf("%q", r.Problems)
			}
			if c.session != "" {
				d.replace(carriedPath, c.session)
			}
			r = d.restart(nil)
			d.both(carriedPath, "one\n")
			if got := d.aside(carriedPath); !slices.Equal(got, c.aside) || r.OK() != (c.aside == nil) || c.aside != nil && !said(r, "its version was put aside as") {
				t.Errorf("put aside %q, said %q", got, r.Problems)
			}
			d.replace(carriedPath, "and on\n")
			r = d.restart(nil)
			d.both(carriedPath, "and on\n")
			if !r.OK() {
				t.Errorf("after that: %q", r.Problems)
			}
		})
	}
}
