package boot

import (
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// A store on another disk stays away for longer than old roots are kept. What the last session with it has left in its files is
// there when it comes back, and then that root goes too.
func TestOldRootOfAnAbsentStore(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("second/etc/two", "kept\n")
	b := &plan.Boot{
		Format: plan.Format, Host: "nest", Reset: decl.ResetOn, Archive: decl.Archive{Count: 1},
		Stores:  []plan.BootStore{{Path: "/persist"}, {Path: "/second", Need: decl.Optional}},
		Entries: []plan.Step{{Kind: plan.Carry, Path: "/etc/two", Store: "/second", Source: "/second/etc/two"}},
	}
	d.mount()
	must(t, apply.Run(d.root, &plan.Plan{Steps: []plan.Step{{Kind: plan.Record, Path: "/persist/.anicca/current", Store: "/persist", Boot: b}}}, nil))
	d.unmount()
	boot := func(there bool) *Record {
		t.Helper()
		if d.root != nil {
			d.unmount()
		}
		r := d.reset(nil)
		d.mount()
		if there {
			top, err := sys.OpenTree(d.dir)
			must(t, err)
			defer top.Close()
			must(t, d.root.MkdirAll("/second", func(string) sys.Perm { return sys.Mine(0o755) }))
			must(t, sys.Bind(top, "second", d.root, "/second", nil))
		} else {
			r.Absent = []string{"/second"}
		}
		d.persist(r)
		must(t, noteBooted(d.root, r))
		if there {
			must(t, apply.PruneCarried(d.root, "/persist", r.CarryID()))
		}
		must(t, expire(d.dir, r, time.Now().Add(time.Hour), 0))
		d.backend.Close()
		var err error
		d.backend, err = root.Open(d.dir)
		must(t, err)
		return r
	}
	boot(true)
	d.replace("/etc/two", "session\n")
	for n := range 4 {
		boot(false)
		if got := d.old(); got != min(n+1, 2) {
			t.Fatalf("%d old roots after boot %d without the store", got, n+1)
		}
	}
	r := boot(true)
	defer d.unmount()
	d.want("/etc/two", "session\n")
	d.want("/second/etc/two", "session\n")
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
	if boot(true); d.old() != 1 {
		t.Errorf("%d old roots are left", d.old())
	}
}
