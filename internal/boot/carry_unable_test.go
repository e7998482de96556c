package boot

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// The initrd has mounted another root than the one that was made: what that lacks was not deleted by anybody.
func TestCarryVerifyFailed(t *testing.T) {
	d := newCarrier(t)
	d.write("store/etc/new", "precious\n")
	d.restart(nil)
	d.both("/etc/new", "precious\n")
	b := bootPlan(decl.ResetOn, carrying(carriedPath), carrying("/etc/new"))
	b.Stores[0].Subvol = "store"
	d.apply(b)
	d.unmount()
	r := d.reset(nil)
	d.write("other/etc/issue", "another root\n")
	other := filepath.Join(d.dir, "other")
	if err := inPlace(r, d.backend, other); err != nil || r.OK() {
		t.Errorf("%v: %q", err, r.Problems)
	}
	o, err := sys.OpenTree(other)
	must(t, err)
	must(t, o.Unmount("persist", true))
	o.Close()
	d.restart(nil)
	d.want("/persist"+carriedPath, "kept\n")
	d.want("/persist/etc/new", "precious\n")
}

// A session leaves what cannot be carried; the user mends it in a later session.
func TestCarryStickyError(t *testing.T) {
	for what, leave := range map[string]func(at, dir string) error{
		"directory": func(at, _ string) error { return errors.Join(os.Remove(at), os.Mkdir(at, 0o755)) },
		"parent is a link": func(_, dir string) error {
			return errors.Join(os.RemoveAll(dir), os.Mkdir(dir+"2", 0o755), os.Symlink(filepath.Base(dir)+"2", dir))
		},
		"parent is a file": func(_, dir string) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, []byte("x"), 0o644))
		},
	} {
		t.Run(what, func(t *testing.T) {
			d := newCarrier(t)
			at := d.root.Path(carriedPath)
			must(t, leave(at, filepath.Dir(at)))
			d.restart(nil)
			for range 3 {
				d.replace(carriedPath, "mended\n")
				d.restart(nil)
			}
			d.both(carriedPath, "mended\n")
		})
	}
}

// The late service cannot look at the old roots. The next boot finds what the session had left.
func TestCarryFinishCannotLook(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "session\n")
	r := d.start(nil)
	d.placed(r)
	carry(r, d.root, &earlier{blind: true}, []plan.Step{carrying(carriedPath)})
	d.restart(nil)
	d.both(carriedPath, "session\n")
}

// A volume of the old root cannot be looked into: what was in it has not been deleted.
func TestCarryPartNotMounted(t *testing.T) {
	d := newCarrier(t)
	d.unmount()
	r := d.reset(nil)
	l := d.backend.Ledger()
	o := &l.Archive[len(l.Archive)-1]
	o.Parts = []root.Part{{Path: "/etc/app", Volume: "app"}}
	must(t, os.MkdirAll(d.dir+"/anicca/archive/"+o.ID+".etc-app", 0o755))
	d.mount()
	d.persist(r)
	d.want("/persist"+carriedPath, "kept\n")
}

// A volume that is declared, and that no base has yet: it is mounted in the initrd and not reset.
func TestCarryVolumeWithoutBase(t *testing.T) {
	d := newCarrier(t)
	must(t, os.MkdirAll(d.dir+"/app", 0o755))
	for range 2 {
		r := d.start(nil)
		d.show("app", "/etc/app")
		d.persist(r)
		d.both(carriedPath, "kept\n")
	}
}

// A user's own file is too large for what is free, so that it cannot be noted: no reason to stop a strict boot.
func TestCarryUserStopsStrict(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	p := "/home/bird/.x"
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: p, Home: &plan.Home{Dir: "/home/bird", UID: os.Getuid(), GID: os.Getgid()}}})
	d.restart(nil)
	d.replace(p, "large\n")
	r := d.start(nil)
	failing(func(op, at string) bool { return op == "write" && strings.Contains(at, "carry/placed") }, func() { d.persist(r) })
	if r.grave() {
		t.Errorf("grave: %q", r.Problems)
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
			r := d.start(nil)
			failing(func(_, p string) bool { return strings.Contains(p, decl.PlacedDir) }, func() { d.persist(r) })
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
