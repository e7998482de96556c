package boot

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

func declareRAM(t *testing.T, d *disk) {
	t.Helper()
	d.unmount()
	b := &plan.Boot{Format: plan.Format, Host: "nest", Reset: decl.ResetOn, Backend: decl.Tmpfs, Size: "64M", Stores: []plan.BootStore{{Path: "/persist"}}}
	for _, p := range []string{carriedPath, "/etc/new"} {
		b.Entries = append(b.Entries, plan.Step{Kind: plan.Carry, Path: p, Store: "/persist", Source: "/persist" + p})
	}
	d.mount()
	must(t, apply.Run(d.root, &plan.Plan{Steps: []plan.Step{{Kind: plan.Record, Path: "/persist/.anicca/current", Store: "/persist", Boot: b}}}, nil))
}

func (d *disk) mountAs(r *Record) {
	d.t.Helper()
	must(d.t, mountRoot(r, d.backend, filepath.Join(d.dir, "sysroot")))
	var err error
	d.root, err = sys.OpenTree(filepath.Join(d.dir, "sysroot"))
	must(d.t, err)
	top, err := sys.OpenTree(d.dir)
	must(d.t, err)
	defer top.Close()
	must(d.t, sys.Bind(top, "store", d.root, "/persist", nil))
}

func dropRAM(t *testing.T) {
	t.Helper()
	up, err := sys.OpenTree("/run/anicca/private")
	if err == nil {
		err = up.Unmount("ram", true)
		up.Close()
	}
	if err != nil {
	}
}

// Root in memory, power cut, then a boot that keeps the root.
func TestCarryRAMPowerCutThenKeep(t *testing.T) {
	d := newCarrier(t)
	declareRAM(t, d)
	d.write("store/etc/new", "precious\n")
	d.unmount()
	r := d.reset(nil)
	d.mountAs(r)
	d.persist(r)
	must(t, noteBooted(d.root, r))
	if !r.RAM {
		t.Fatalf("not in memory: %+v", r)
	}
	d.both("/etc/new", "precious\n")
	d.both(carriedPath, "kept\n")
	d.unmount()
	dropRAM(t)
	r = d.reset(cmdline("anicca=keep"))
	d.mountAs(r)
	d.persist(r)
	d.want("/persist/etc/new", "precious\n")
	d.want("/persist"+carriedPath, "kept\n")
}

// The power is cut in a session in memory: what was saved early is there in the next one, however often that happens.
func TestCarryRAMSavedEarly(t *testing.T) {
	d := newCarrier(t)
	declareRAM(t, d)
	d.unmount()
	text := "kept\n"
	for _, next := range []string{"one\n", "two\n"} {
		r := d.reset(nil)
		d.mountAs(r)
		d.persist(r)
		must(t, noteBooted(d.root, r))
		d.both(carriedPath, text)
		if !r.OK() {
			t.Errorf("%q", r.Problems)
		}
		store, err := d.root.Sub("/persist")
		must(t, err)
		b, err := apply.Current(store)
		must(t, err)
		store.Close()
		d.replace(carriedPath, next)
		d.replace("/etc/new", next)
		for range 2 { // one after the other, as each is changed
			out, err := apply.Save(d.root, b, r.CarryID(), false, b.Entries)
			must(t, err)
			for p, c := range out {
				must(t, c.Err)
				if len(c.Said) > 0 {
					t.Errorf("%s: %q", p, c.Said)
				}
			}
		}
		if there, err := d.root.Exists(decl.PlacedFile("/persist", apply.InMemory, "/etc/new")); !there || err != nil {
			t.Errorf("what was placed is not known: %v", err)
		}
		d.unmount()
		dropRAM(t)
		text = next
	}
	r := d.reset(nil)
	d.mountAs(r)
	d.persist(r)
	d.both(carriedPath, text)
	d.both("/etc/new", text)
	if got := d.aside(carriedPath); len(got) > 0 {
		t.Errorf("aside: %q", got)
	}
	// What is changed after the last saving comes along with an orderly end.
	d.replace(carriedPath, "three\n")
	store, err := d.root.Sub("/persist")
	must(t, err)
	b, err := apply.Current(store)
	must(t, err)
	store.Close()
	_, err = apply.Save(d.root, b, r.CarryID(), true, b.Entries[:1])
	must(t, err)
	d.replace("/etc/new", "unsaved\n")
	must(t, noteBooted(d.root, r))
	_, err = d.backend.SaveRAM(time.Now())
	must(t, err)
	d.unmount()
	dropRAM(t)
	r = d.reset(nil)
	d.mountAs(r)
	d.persist(r)
	d.both(carriedPath, "three\n")
	d.both("/etc/new", "unsaved\n")
	d.unmount()
	dropRAM(t)
}

// A root in memory is saved, and the next one is in memory again: its copy on the disk is another object.
func TestCarryInMemory(t *testing.T) {
	d := newCarrier(t)
	declareRAM(t, d)
	d.unmount()
	r := d.reset(nil)
	d.mountAs(r)
	d.persist(r)
	must(t, noteBooted(d.root, r))
	for _, text := range []string{"session\n", "", "another\n"} { // in the second session nobody changes it
		if text != "" {
			d.replace(carriedPath, text)
		} else {
			text = "session\n"
		}
		_, err := d.backend.SaveRAM(time.Now())
		must(t, err)
		d.unmount()
		dropRAM(t)
		r = d.reset(nil)
		d.mountAs(r)
		d.persist(r)
		d.both(carriedPath, text)
		if there, err := d.root.Exists(decl.PlacedFile("/persist", apply.InMemory, carriedPath)); !there || err != nil || !r.OK() {
			t.Errorf("nothing is known of what was placed: %v, %q", err, r.Problems)
		}
	}
	d.unmount()
	dropRAM(t)
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

// comes is the later part of the boot, for what the initrd could not put in place.
func (d *disk) comes(r *Record) {
	d.t.Helper()
	s, done, err := openStore(d.backend, "store")
	must(d.t, err)
	defer done()
	b, err := apply.Current(s)
	must(d.t, err)
	last, err := readBooted(s)
	must(d.t, err)
	old := before(d.backend, r, last)
	defer old.close()
	old.used, old.rest = true, true
	again(r, d.root, b, old, false)
}

// ends saves a root in memory, as an orderly shutdown does, and boots until the root is mounted.
func (d *disk) ends(r *Record) *Record {
	d.t.Helper()
	must(d.t, noteBooted(d.root, r))
	_, err := d.backend.SaveRAM(time.Now())
	must(d.t, err)
	d.unmount()
	dropRAM(d.t)
	next := d.reset(nil)
	d.mountAs(next)
	return next
}

// One file of a root in memory cannot be placed before the late service comes: what is known of the others stays, and the session's
// change of that one is carried all the same.
func TestCarryInMemoryLate(t *testing.T) {
	d := newCarrier(t)
	declareRAM(t, d)
	d.write("store/etc/new", "kept\n")
	d.unmount()
	r := d.reset(nil)
	d.mountAs(r)
	d.persist(r)
	for _, p := range []string{carriedPath, "/etc/new"} {
		d.replace(p, "session\n")
	}
	r = d.ends(r)
	sys.Fault = func(op, p string) error {
		if strings.Contains(p, "sysroot"+carriedPath) {
			return errors.New("for now")
		}
		return nil
	}
	d.persist(r)
	sys.Fault = nil
	if r.state(carriedPath) != Missed || r.state("/etc/new") != Placed {
		t.Fatalf("%+v", r.Entries)
	}
	d.comes(r)
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
	for _, p := range []string{carriedPath, "/etc/new"} {
		d.both(p, "session\n")
		if there, err := d.root.Exists(decl.PlacedFile("/persist", apply.InMemory, p)); !there || err != nil {
			t.Errorf("nothing is known of what was placed at %s: %v", p, err)
		}
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
	d.unmount()
	dropRAM(t)
}

// A session in memory goes without its store: what was not placed in it has not been deleted by it.
func TestCarryInMemoryWithoutTheStore(t *testing.T) {
	d := newCarrier(t)
	declareRAM(t, d)
	d.unmount()
	r := d.reset(nil)
	d.mountAs(r)
	d.persist(r)
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
	d.unmount()
	dropRAM(t)
}
