package boot

import (
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
)

// newMemoryCarrier is a machine that carries two files, after the first boot with its root in memory.
func newMemoryCarrier(t *testing.T) (*disk, *Record) {
	t.Helper()
	d := newCarrier(t)
	b := bootPlan(decl.ResetOn, carrying(carriedPath), carrying("/etc/new"))
	b.Backend, b.Size = decl.Tmpfs, "64M"
	d.apply(b)
	r := d.boot(nil)
	must(t, noteBooted(d.root, r))
	if !r.RAM || !r.OK() {
		t.Fatalf("not in memory: %+v", r)
	}
	return d, r
}

// save saves a root in memory, as an orderly shutdown does.
func (d *disk) save() {
	d.t.Helper()
	_, err := d.backend.SaveRAM(time.Now())
	must(d.t, err)
}

// saveFiles saves some files of a root in memory, as the watcher does; all tells that no more will change.
func (d *disk) saveFiles(r *Record, all bool, files int) {
	d.t.Helper()
	b, _ := d.known()
	out, err := apply.Save(d.root, b, r.CarryID(), all, b.Entries[:files])
	must(d.t, err)
	for p, c := range out {
		must(d.t, c.Err)
		if len(c.Said) > 0 {
			d.t.Errorf("%s: %q", p, c.Said)
		}
	}
}

// noted expects that it is known what was placed in memory at a path.
func (d *disk) noted(p string) {
	d.t.Helper()
	if there, err := d.root.Exists(decl.PlacedFile("/persist", apply.InMemory, p)); !there || err != nil {
		d.t.Errorf("nothing is known of what was placed at %s: %v", p, err)
	}
}

// comes is the later part of the boot, for what the initrd could not put in place.
func (d *disk) comes(r *Record) {
	d.t.Helper()
	b, last := d.known()
	old := before(d.backend, r, last)
	defer old.close()
	old.used, old.rest = true, true
	again(r, d.root, b, old, false)
}

// ends saves a root in memory, as an orderly shutdown does, and boots until the root is mounted.
func (d *disk) ends(r *Record) *Record {
	d.t.Helper()
	must(d.t, noteBooted(d.root, r))
	d.save()
	return d.start(nil)
}

// Root in memory, power cut, then a boot that keeps the root: what was kept stays.
func TestCarryRAMPowerCutThenKeep(t *testing.T) {
	d, _ := newMemoryCarrier(t)
	d.write("store/etc/new", "precious\n")
	r := d.boot(nil)
	must(t, noteBooted(d.root, r))
	d.both("/etc/new", "precious\n")
	d.both(carriedPath, "kept\n")
	d.boot(cmdline("anicca=keep"))
	d.want("/persist/etc/new", "precious\n")
	d.want("/persist"+carriedPath, "kept\n")
}

// The power is cut in a session in memory: what was saved early is there in the next one, however often that happens.
func TestCarryRAMSavedEarly(t *testing.T) {
	d, r := newMemoryCarrier(t)
	for _, text := range []string{"one\n", "two\n"} {
		d.replace(carriedPath, text)
		d.replace("/etc/new", text)
		for range 2 { // one after the other, as each is changed
			d.saveFiles(r, false, 2)
		}
		d.noted("/etc/new")
		r = d.boot(nil)
		must(t, noteBooted(d.root, r))
		d.both(carriedPath, text)
		d.both("/etc/new", text)
		if got := d.aside(carriedPath); len(got) > 0 || !r.OK() {
			t.Errorf("aside: %q, %q", got, r.Problems)
		}
	}
	// What is changed after the last saving comes along with an orderly end.
	d.replace(carriedPath, "three\n")
	d.saveFiles(r, true, 1)
	d.replace("/etc/new", "unsaved\n")
	d.save()
	d.boot(nil)
	d.both(carriedPath, "three\n")
	d.both("/etc/new", "unsaved\n")
}

// A root in memory is saved, and the next one is in memory again: its copy on the disk is another object.
func TestCarryInMemory(t *testing.T) {
	d, _ := newMemoryCarrier(t)
	for _, text := range []string{"session\n", "", "another\n"} { // in the second session nobody changes it
		if text != "" {
			d.replace(carriedPath, text)
		} else {
			text = "session\n"
		}
		d.save()
		r := d.boot(nil)
		d.both(carriedPath, text)
		if d.noted(carriedPath); !r.OK() {
			t.Errorf("%q", r.Problems)
		}
	}
}

// One file of a root in memory cannot be placed before the late service comes: what is known of the others stays, and the session's
// change of that one is carried all the same.
func TestCarryInMemoryLate(t *testing.T) {
	d, _ := newMemoryCarrier(t)
	d.write("store/etc/new", "kept\n")
	r := d.boot(nil)
	for _, p := range []string{carriedPath, "/etc/new"} {
		d.replace(p, "session\n")
	}
	r = d.ends(r)
	failing(func(_, p string) bool { return strings.Contains(p, d.root.Path(carriedPath)) }, func() { d.persist(r) })
	if r.state(carriedPath) != Missed || r.state("/etc/new") != Placed {
		t.Fatalf("%+v", r.Entries)
	}
	d.comes(r)
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
	for _, p := range []string{carriedPath, "/etc/new"} {
		d.both(p, "session\n")
		d.noted(p)
	}
	d.replace(carriedPath, "third\n")
	d.replace("/etc/new", "third\n")
	r = d.ends(r)
	d.persist(r)
	for _, p := range []string{carriedPath, "/etc/new"} {
		d.both(p, "third\n")
		if got := strings.Join(d.aside(p), ""); strings.ReplaceAll(got, "base\n", "") != "" { // that lay there before it came late
			t.Errorf("%s aside: %q", p, got)
		}
	}
}

// A session in memory goes without its store: what was not placed in it has not been deleted by it.
func TestCarryInMemoryWithoutTheStore(t *testing.T) {
	d, r := newMemoryCarrier(t)
	d.replace("/etc/new", "mine\n")
	r = d.ends(r)
	d.persist(r)
	d.both("/etc/new", "mine\n")
	r = d.ends(r)
	r.Absent = []string{"/persist"}
	d.persist(r)
	r.Absent = nil
	r = d.ends(r)
	d.persist(r)
	d.both("/etc/new", "mine\n")
}
