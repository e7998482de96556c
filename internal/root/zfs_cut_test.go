package root

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"anicca/internal/sys"
)

// An unfinished base is put aside, and does not stand in the way of the next.
func TestZFSBaseCrashWalk(t *testing.T) {
	for n := 1; ; n++ {
		m, p := newSimulated(t)
		d := m.setUp()
		m.write(tankName+"/anicca/store", "kept", "kept\n")
		err := cutAt(n, func() error { _, err := d.MakeBase(nil, m.now); return err })
		if err == nil {
			if n < 8 {
				t.Fatalf("a base took only %d calls: is the seam still used?", n-1)
			}
			return
		}
		d.Close()
		p.Reboot()
		d, err = m.open()
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		b, err := d.Base()
		if err == nil && b.Number == 1 { // the cut came after the ledger
			d.Close()
			continue
		}
		if _, err := m.reset(d, ""); err == nil {
			t.Fatalf("after call %d: a reset to an unfinished base", n)
		}
		m.now = m.now.Add(time.Minute)
		if _, err := d.MakeBase(nil, m.now); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		if _, err := m.reset(d, ""); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		m.sound(fmt.Sprint("after call ", n))
		for _, o := range slices.Concat(d.ledger.Leftovers, d.ledger.Archive) {
			if err := d.Drop(o.ID, time.Now()); err != nil {
				t.Errorf("after call %d: %v", n, err)
			}
		}
		m.sound(fmt.Sprint("after call ", n))
		d.Close()
	}
}

var errCut = errors.New("power cut")

// cutAt does something and cuts the power at the n-th call of it that could change something.
func cutAt(n int, f func() error) error {
	sys.Fault = func(string, string) error {
		if n--; n <= 0 {
			return errCut
		}
		return nil
	}
	defer func() { sys.Fault = nil }()
	return f()
}

func TestZFSCrashWalk(t *testing.T) {
	m, p := newSimulated(t)
	zfsCrashWalk(t, m, p.Reboot, 1)
}

// zfsCrashWalk cuts the power at every call of a reset, then boots again, in turns from the base and from an old root.
// Every step-th call is enough for a pool that answers slowly.
func zfsCrashWalk(t *testing.T, m *zfsMachine, reboot func(), step int) {
	m.withBase().Close()
	sessions := map[string]string{} // what each wrote, by the guid of its root
	session := func() {
		id, err := property(rootSet, "guid")
		if err != nil || sessions[id] != "" {
			t.Fatalf("session %d has the root of another: %v", len(sessions)+1, err)
		}
		sessions[id] = fmt.Sprint(len(sessions) + 1)
		m.write(rootSet, "undeclared", sessions[id])
	}
	for n := 1; ; n += step {
		session()
		d, err := m.open()
		if err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		from := ""
		if old := d.Ledger().Archive; n%2 == 0 && len(old) > 0 {
			from = old[len(old)-1].ID
		}
		err = cutAt(n, func() error { _, err := m.reset(d, from); return err })
		d.Close()
		if err == nil {
			if n < 15 {
				t.Fatalf("a reset made only %d calls: is the seam still used?", n-1)
			}
			return
		}
		if !errors.Is(err, errCut) {
			t.Fatalf("call %d: %v", n, err)
		}
		reboot()
		d, err = m.open()
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		// While it recovers, the power is cut again; then it may.
		for k := 1; ; k += step {
			err := cutAt(k, func() error { _, err := d.Recover(m.now); return err })
			if err == nil {
				break
			}
			if !errors.Is(err, errCut) {
				t.Fatalf("after call %d, recovery, call %d: %v", n, k, err)
			}
			d.Close()
			reboot()
			if d, err = m.open(); err != nil {
				t.Fatalf("after call %d, recovery, call %d: %v", n, k, err)
			}
		}
		if id, err := d.Current(); err != nil || id == "" {
			t.Fatalf("after call %d: there is no root: %v", n, err)
		}
		made, err := m.reset(d, "")
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		m.sound(fmt.Sprint("after call ", n))
		if m.p.Read(rootSet, "undeclared") != "" {
			t.Errorf("after call %d: an undeclared file survived", n)
		}
		if made.Base != 1 {
			t.Errorf("after call %d: %+v", n, made)
		}
		// Every session's root is exactly one old root; copies of old roots, which nobody has worked in, come on top.
		old, err := d.Archive()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for _, o := range old {
			if text, ok := sessions[o.UUID]; ok && m.p.Read(tankName+"/anicca/archive/"+o.ID, "undeclared") == text {
				found[o.UUID]++
			}
		}
		for id, text := range sessions {
			if found[id] != 1 {
				t.Errorf("after call %d: session %s is in the archive %d times", n, text, found[id])
			}
		}
		if list, err := d.Foreign(); err != nil || len(list) > 0 {
			t.Errorf("after call %d: not in the ledger: %v, %v", n, list, err)
		}
		d.Close()
	}
}

// The power is cut at every call of an expiry, which has to promote a base before it can drop the old root that the base is of.
func TestZFSDropCrashWalk(t *testing.T) {
	for n := 1; ; n++ {
		m, p := newSimulated(t)
		d := m.withBase()
		for range 2 {
			if _, err := m.reset(d, ""); err != nil {
				t.Fatal(err)
			}
		}
		first, second := d.ledger.Archive[0].ID, d.ledger.Archive[1].ID
		drop := func() error {
			if err := d.Drop(first, time.Now()); err != nil {
				return err
			}
			return d.Settle(m.now)
		}
		err := cutAt(n, drop)
		d.Close()
		m.sound(fmt.Sprint("call ", n))
		if !m.p.Exists(tankName+"/anicca/archive/"+second) || !m.p.Exists(tankName+"/anicca/base/1") {
			t.Fatalf("call %d: something else was deleted", n)
		}
		if err == nil {
			if n < 10 {
				t.Fatalf("an expiry made only %d calls: is the seam still used?", n-1)
			}
			return
		}
		p.Reboot()
		if d, err = m.open(); err != nil {
			t.Fatal(err)
		}
		if old, err := d.Archive(); err != nil || len(old) == 2 {
			if err := errors.Join(err, drop()); err != nil {
				t.Fatalf("after call %d: %v", n, err)
			}
		}
		if m.p.Exists(tankName + "/anicca/archive/" + first) {
			t.Errorf("after call %d: not dropped", n)
		}
		d.Close()
	}
}
