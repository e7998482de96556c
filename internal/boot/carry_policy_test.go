package boot

import (
	"os"
	"slices"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
)

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
		"in the middle of a power cut":   {func(d *disk) { d.copy("/persist"+carriedPath, carriedPath); d.start(nil) }, "backup 2\n"},
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
	from, to = d.root.Path(from), d.root.Path(to)
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

// The booted system has told it, and then forgets it.
func TestCarryIsHeard(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "session\n")
	d.write("store"+carriedPath, "backup\n")
	r := d.boot(nil)
	untold := (&apply.Carrier{Root: d.root, Store: "/persist"}).Untold
	if got := untold(); len(got) != 1 || len(r.Problems) != 1 || got[0] != r.Problems[0] {
		t.Errorf("%q, %q", got, r.Problems)
	}
	if r = d.finish(r); !said(r, "was changed on both sides") || len(untold()) > 0 {
		t.Errorf("%q, %q", untold(), r.Problems)
	}
}
