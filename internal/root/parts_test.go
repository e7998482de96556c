package root

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/sys"
)

var home = []Part{{Path: "/home", Volume: "@home"}}

// withHome is a disk whose /home is a subvolume of its own, that is reset with the root.
func withHome(t *testing.T) (string, *Disk) {
	t.Helper()
	top := newDisk(t)
	run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@home"))
	write(t, filepath.Join(top, "@home/bird/cv"), "base\n")
	d := setUp(t, top)
	if _, err := d.MakeBase(home, time.Now()); err != nil {
		t.Fatal(err)
	}
	return top, d
}

// dirty is what a session leaves, in both volumes.
func dirty(t *testing.T, top, text string) {
	t.Helper()
	for _, p := range []string{"@rootfs/undeclared", "@home/undeclared"} {
		write(t, filepath.Join(top, p), text)
	}
}

// Parts are reset, archived, read, booted and dropped together with the root.
func TestPartsAreResetToo(t *testing.T) {
	top, d := withHome(t)
	dirty(t, top, "first")
	first, err := reset(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"@rootfs/undeclared", "@home/undeclared"} {
		if there(filepath.Join(top, p)) {
			t.Errorf("%s survived", p)
		}
	}
	if read(t, filepath.Join(top, "@home/bird/cv")) != "base\n" {
		t.Error("the base's part is not there")
	}
	for p, want := range map[string]string{"/undeclared": "first", "/home/undeclared": "first", "/home/bird/cv": "base\n", "/etc/issue": "base\n"} {
		dir, rest, done, err := d.OpenOld(first.Archive, p)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, filepath.Join(dir, rest)); got != want {
			t.Errorf("old root: %s: %q, want %q", p, got, want)
		}
		if err := done(); err != nil {
			t.Error(err)
		}
	}
	made, err := d.Reset(Order{Now: time.Now(), From: first.Archive})
	if err == nil {
		err = d.Commit(time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(top, "@home/undeclared")) != "first" || read(t, filepath.Join(top, "@rootfs/undeclared")) != "first" {
		t.Error("the old root's part was not booted with it")
	}
	if err := d.Check(filepath.Join(top, "@rootfs"), &made); err != nil {
		t.Error(err)
	}
	if err := errors.Join(d.Drop(first.Archive, time.Now()), d.Settle(time.Now())); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(top, archiveDir, first.Archive+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left of a dropped root: %v, %v", left, err)
	}
	if foreign, err := d.Foreign(); err != nil || len(foreign) > 0 {
		t.Errorf("foreign: %v, %v", foreign, err)
	}
}

// A part that the base does not have is left alone: what it was is not known.
func TestPartsWithoutABaseAreLeftAlone(t *testing.T) {
	top := newDisk(t)
	run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@home"))
	d := setUp(t, top)
	if _, err := d.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	dirty(t, top, "x")
	if _, err := reset(d); err != nil {
		t.Fatal(err)
	}
	if !there(filepath.Join(top, "@home/undeclared")) {
		t.Error("a volume was reset that no base has")
	}
}

// The power is cut at every call of a reset of two volumes. Afterwards both are of one moment: both old or both fresh.
func TestPartsCrashWalk(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	top, d := withHome(t)
	d.Close()
	for n := 1; ; n++ {
		dirty(t, top, "session")
		left := n
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		d, err := Open(top)
		if err != nil {
			t.Fatal(err)
		}
		_, err = reset(d)
		d.Close()
		sys.Fault = nil
		if err == nil {
			if n < 20 {
				t.Fatalf("a reset made only %d calls: is the seam still used?", n-1)
			}
			return
		}
		if !errors.Is(err, cut) {
			t.Fatalf("call %d: %v", n, err)
		}
		if d, err = Open(top); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		said, err := d.Recover(time.Now())
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		t.Logf("call %d: %v", n, said)
		a, b := there(filepath.Join(top, "@rootfs/undeclared")), there(filepath.Join(top, "@home/undeclared"))
		if a != b {
			t.Fatalf("after call %d: the root is old: %v, its part: %v", n, a, b)
		}
		dirty(t, top, "session")
		if _, err := reset(d); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		if foreign, err := d.Foreign(); err != nil || len(foreign) > 0 {
			t.Errorf("after call %d: not in the ledger: %v, %v", n, foreign, err)
		}
		d.Close()
	}
}

// The power is cut at every call of the making of a base.
func TestBaseCrashWalk(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	for n := 1; ; n++ {
		top, d := withHome(t)
		left := n
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		_, err := d.MakeBase(home, time.Now())
		sys.Fault = nil
		if err == nil {
			if n < 15 {
				t.Fatalf("the making of a base made only %d calls: is the seam still used?", n-1)
			}
			return
		}
		if !errors.Is(err, cut) {
			t.Fatalf("call %d: %v", n, err)
		}
		d.Close()
		if d, err = Open(top); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		if _, err := d.Base(); err != nil {
			t.Errorf("after call %d: there is no base to go back to: %v", n, err)
		}
		base, err := d.MakeBase(home, time.Now())
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		if _, err := reset(d); err != nil || read(t, filepath.Join(top, "@home/bird/cv")) != "base\n" {
			t.Errorf("after call %d: reset to base %d: %v", n, base.Number, err)
		}
		// What an interruption left is known, and goes when told.
		for _, o := range d.Ledger().Leftovers {
			if err := d.Drop(o.ID, time.Now()); err != nil {
				t.Errorf("after call %d: %v", n, err)
			}
		}
		if err := d.Sweep(); err != nil {
			t.Error(err)
		}
		if foreign, err := d.Foreign(); err != nil || len(foreign) > 0 {
			t.Errorf("after call %d: not in the ledger: %v, %v", n, foreign, err)
		}
		d.Close()
	}
}
