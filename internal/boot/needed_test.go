package boot

import (
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
)

// A store on another disk stays away for longer than old roots are kept. What the last session with it has left in its files is
// there when it comes back, and then that root goes too.
func TestOldRootOfAnAbsentStore(t *testing.T) {
	d := newTwoStores(t, func(b *plan.Boot) { b.Archive, b.Stores[1].Need = decl.Archive{Count: 1}, decl.Optional })
	boot := func(there bool) *Record {
		t.Helper()
		r := d.bootTwo(there)
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
	d.want("/etc/two", "session\n")
	d.want("/second/etc/two", "session\n")
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
	if boot(true); d.old() != 1 {
		t.Errorf("%d old roots are left", d.old())
	}
}
