package boot

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
)

// What programs do to a file in a session is there in the next, whichever way they do it.
func TestCarry(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "replaced\n")
	d.replace("/etc/new", "")
	d.restart(nil)
	d.both("/etc/new", "")
	d.replace(carriedPath, "replaced\n")
	d.replace("/etc/new", "made\n")
	r := d.restart(nil)
	d.both(carriedPath, "replaced\n")
	d.both("/etc/new", "made\n")
	if s, err := d.root.Stat(carriedPath); err != nil || s.Perm() != 0o640 || !r.OK() {
		t.Errorf("mode %o, %v, %q", s.Perm(), err, r.Problems)
	}
	r = d.restart(nil)
	d.both(carriedPath, "replaced\n")
	if e := r.Entries[0]; e.State != Placed || e.Adopted || !r.OK() {
		t.Errorf("nothing was changed: %+v, %q", e, r.Problems)
	}

	// A mode alone is a change too.
	must(t, os.Chmod(d.root.Path(carriedPath), 0o600))
	d.restart(nil)
	if s, err := d.root.Stat("/persist" + carriedPath); err != nil || s.Perm() != 0o600 {
		t.Errorf("mode %o, %v", s.Perm(), err)
	}

	// The store was changed, by a backup: nobody has touched the root's.
	d.write("store"+carriedPath, "from a backup\n")
	d.restart(nil)
	d.both(carriedPath, "from a backup\n")

	// A link instead of a file, as of /etc/localtime.
	must(t, d.root.Remove(carriedPath))
	must(t, d.root.Symlink("/usr/share/zoneinfo/UTC", carriedPath))
	d.restart(nil)
	for _, p := range []string{carriedPath, "/persist" + carriedPath} {
		if link, err := d.root.Readlink(p); link != "/usr/share/zoneinfo/UTC" || err != nil {
			t.Errorf("%s: %s, %v", p, link, err)
		}
	}
}

// A deleted file stays away, although the base has one, until somebody makes it again.
func TestCarryHonoursDeletion(t *testing.T) {
	d := newCarrier(t)
	must(t, d.root.Remove(carriedPath))
	r := d.restart(nil)
	d.missing(carriedPath)
	if !said(r, "was deleted in the last session") || r.state(carriedPath) != Waiting || !r.OK() {
		t.Errorf("%+v", r)
	}
	if got := d.aside(carriedPath); !slices.Equal(got, []string{"kept\n"}) {
		t.Errorf("put aside: %q", got)
	}
	d.restart(nil)
	d.missing(carriedPath)
	d.replace(carriedPath, "again\n")
	d.restart(nil)
	d.both(carriedPath, "again\n")
}

// Both sides have changed: the session's is the one, the other is put aside, and that is said.
func TestCarryConflict(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "session\n")
	d.write("store"+carriedPath, "backup\n")
	r := d.restart(nil)
	d.both(carriedPath, "session\n")
	if got := d.aside(carriedPath); !slices.Equal(got, []string{"backup\n"}) || r.OK() || !said(r, "was changed on both sides") {
		t.Errorf("put aside: %q, %q", got, r.Problems)
	}
}

// A store that was filled from a backup, in a machine that was set up anew: the base's file is not a change of anybody's.
func TestCarryIntoAFreshRoot(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/base/1"+carriedPath, "base\n")
	d.write("store"+carriedPath, "from a backup\n")
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: carriedPath}})
	r := d.restart(nil)
	d.both(carriedPath, "from a backup\n")
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
}

// The root is kept for once, and its files are the last session's.
func TestCarryInAKeptRoot(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "one\n")
	d.restart(cmdline("anicca=keep"))
	d.both(carriedPath, "one\n")
	d.replace(carriedPath, "two\n")
	d.restart(nil)
	d.both(carriedPath, "two\n")
}

// The root becomes the base: the session's files are in that.
func TestCarryWhenTheRootBecomesTheBase(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "one\n")
	if _, err := d.backend.MakeBase(nil, time.Now()); !errors.Is(err, root.ErrNextBoot) {
		t.Fatal(err)
	}
	r := d.restart(nil)
	d.both(carriedPath, "one\n")
	if r.Made == nil || r.Made.Became != 2 || !r.OK() {
		t.Errorf("%+v", r)
	}
	d.replace(carriedPath, "two\n")
	d.restart(nil)
	d.both(carriedPath, "two\n")
}

// What older roots had is forgotten once a root has booted well, and only then.
func TestCarryPrunes(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "one\n")
	r := d.restart(nil)
	dirs := func() int {
		names, err := os.ReadDir(d.dir + "/store/" + decl.PlacedDir)
		must(t, err)
		return len(names)
	}
	if dirs() != 2 {
		t.Errorf("%d roots are remembered before the root has booted well", dirs())
	}
	if r = d.finish(r); !r.OK() || dirs() != 1 {
		t.Errorf("%d roots are remembered: %q", dirs(), r.Problems)
	}
	d.replace(carriedPath, "two\n")
	d.restart(nil)
	d.both(carriedPath, "two\n")
}

// The session has replaced a carried file by a link to its kept copy, as the method symlink does: no link to itself comes of it.
func TestCarryLinkToStore(t *testing.T) {
	d := newCarrier(t)
	must(t, d.root.Remove(carriedPath))
	must(t, d.root.Symlink("/persist"+carriedPath, carriedPath))
	d.restart(nil)
	d.want("/persist"+carriedPath, "kept\n")
	d.want(carriedPath, "kept\n")
}

// Deleted on both sides, it stays away, although the base has one.
func TestCarryDeletedOnBothSides(t *testing.T) {
	d := newCarrier(t)
	must(t, d.root.Remove(carriedPath))
	must(t, os.Remove(d.dir+"/store"+carriedPath))
	d.restart(nil)
	d.missing(carriedPath)
	d.restart(nil)
	d.missing(carriedPath)
}

// A directory that the session made private stays that, and so is the one of the kept copy.
func TestCarryParentMode(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	p := "/home/bird/.secret/token"
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: p}})
	d.restart(nil)
	dir := d.root.Path("/home/bird/.secret")
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.Chmod(dir, 0o700))
	d.replace(p, "s\n")
	d.restart(nil)
	d.both(p, "s\n")
	for _, q := range []string{"/home/bird/.secret", "/persist/home/bird/.secret"} {
		if s, err := d.root.Stat(q); err != nil || s.Perm() != 0o700 {
			t.Errorf("%s: %04o, %v", q, s.Perm(), err)
		}
	}
}

// Two versions put aside in the same second of a clock that begins at the same time at every boot.
func TestCarryAsideSameSecond(t *testing.T) {
	d := newCarrier(t)
	now := time.Unix(1e9, 0)
	for _, x := range []string{"a", "b"} {
		d.replace(carriedPath, "session "+x+"\n")
		d.write("store"+carriedPath, "backup "+x+"\n")
		r := d.start(nil)
		d.placed(r)
		last, err := readBooted(d.root)
		must(t, err)
		e := before(d.backend, r, last)
		c := &apply.Carrier{Root: d.root, Store: "/persist", ID: r.Root, Now: now, Last: e.find(d.root)}
		c.Carry([]plan.Step{carrying(carriedPath)})
		_, err = c.Commit()
		must(t, err)
		e.close()
	}
	if got := d.aside(carriedPath); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

// The session begins as an old root: its files are the last session's all the same.
func TestCarryOldRoot(t *testing.T) {
	d := newCarrier(t)
	id := d.backend.Ledger().Archive[0].ID
	d.replace(carriedPath, "session\n")
	r := d.restart(cmdline("anicca.root=" + id))
	d.both(carriedPath, "session\n")
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
	d.replace(carriedPath, "two\n")
	d.restart(nil)
	d.both(carriedPath, "two\n")
}

// The newest root of which something is known was in memory and is lost; an older one is asked.
func TestCarryLostKnown(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "one\n")
	d.restart(nil)                           // R2, not finished: what is known of R1 stays
	d.write("store"+carriedPath, "backup\n") // in session R2
	l := d.backend.Ledger()
	l.Running.RAM = true
	d.write("anicca/x", "")
	d.restart(nil)
	d.both(carriedPath, "backup\n")
}
