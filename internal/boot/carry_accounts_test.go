package boot

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Account files that look odd and are sound are carried as others are.
func TestCarryOddButSound(t *testing.T) {
	for what, group := range map[string]string{"no newline": "root:x:0:\nbird:x:1000:", "no member field": "root:x:0:\nold:x:7\n", "blank": "root:x:0:\n \n"} {
		t.Run(what, func(t *testing.T) {
			d := newCarrier(t)
			d.unmount()
			d.write("store/etc/group", group)
			d.restart(nil)
			d.both("/etc/group", group)
			d.replace("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\n")
			d.restart(nil)
			d.both("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\n")
		})
	}
}

// The sets of before cannot be kept. The session has its accounts all the same, not the base's.
func TestCarryHistoryFails(t *testing.T) {
	d := newCarrier(t)
	d.unmount()
	d.write("anicca/base/1/etc/passwd", "root:x:0:0::/base:/bin/sh\n")
	d.write("store/.anicca/carry/accounts", "in the way")
	d.restart(nil)
	d.replace("/etc/passwd", "root:x:0:0::/session:/bin/sh\n")
	r := d.restart(nil)
	got := d.read("/etc/passwd")
	if strings.Contains(got, "base") {
		t.Errorf("the base's accounts: %q; %q", got, r.Problems)
	}
}

// The store is full. The session does not run with the base's accounts.
func TestCarryStoreFull(t *testing.T) {
	d := newCarrier(t)
	d.write("anicca/base/1/etc/passwd", "root:x:0:0::/base:/bin/sh\n")
	d.replace("/etc/passwd", "root:x:0:0::/session:/bin/sh\n")
	d.replace(carriedPath, "session\n")
	r := d.start(nil)
	failing(func(op, p string) bool { return op == "write" && strings.Contains(p, "/persist/") }, func() { d.persist(r) })
	if strings.Contains(d.read("/etc/passwd"), "base") {
		t.Error("the session runs with the base's accounts")
	}
}

// Shadow was declared later than passwd, so that nobody knows what was placed of it: the two still go together.
func TestCarryMixedSet(t *testing.T) {
	d := newCarrier(t)
	found, _ := filepath.Glob(d.dir + "/store/" + decl.PlacedDir + "/*/files/etc/shadow")
	for _, f := range found {
		must(t, os.Remove(f))
	}
	d.replace("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\n")
	d.replace("/etc/shadow", "root:*:19000:0:99999:7:::\nbird:secret:19000:0:99999:7:::\n")
	r := d.restart(nil)
	if strings.Contains(d.read("/etc/passwd"), "bird") != strings.Contains(d.read("/etc/shadow"), "bird") {
		t.Errorf("mixed: passwd %q shadow %q; %q", d.read("/etc/passwd"), d.read("/etc/shadow"), r.Problems)
	}
}

// Apply carries shadow alone, as only its kept copy was changed, and that is damaged: the session's stays.
func TestCarryApplyPartOfASet(t *testing.T) {
	d := newCarrier(t)
	d.replace("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\n")
	d.write("store/etc/shadow", "root:!:19000:0:99999:7:::\n\x00\x00")
	d.run(d.applying("/etc/shadow"))
	if got := d.read("/etc/shadow"); got != "root:*:19000:0:99999:7:::\n" {
		t.Errorf("a damaged shadow is in use: %q", got)
	}
}

// A set that was damaged in the store is not placed.
func TestCarryDamagedStore(t *testing.T) {
	d := newCarrier(t)
	d.write("store/etc/passwd", "\x00\x00\x00")
	r := d.restart(nil)
	if got := d.read("/etc/passwd"); got != "root:x:0:0::/root:/bin/sh\n" {
		t.Errorf("%q is in use; %q", got, r.Problems)
	}
}

// The first time, there is nothing good that odd account files could take the place of: they are kept as they are.
func TestCarryFirstAccounts(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: "/etc/passwd"}, {Kind: plan.Carry, Path: "/etc/group"}})
	d.write("anicca/upper/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	d.write("anicca/upper/etc/group", "root:x:0:\nold:x:7\n")
	r := d.restart(nil)
	d.both("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	d.both("/etc/group", "root:x:0:\nold:x:7\n")
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
}

// While a running system's accounts are carried, no program changes them; a boot waits for nobody, as no program runs.
func TestCarryLocksAccounts(t *testing.T) {
	d := newCarrier(t)
	locked := map[string]bool{}
	watch := func() {
		sys.Fault = func(op, p string) error {
			if op == "rename" && strings.HasSuffix(p, "/etc/passwd") && !strings.Contains(p, decl.StateDir) {
				unlock, err := d.root.LockAccounts(0)
				if locked[strings.TrimPrefix(p, d.root.Name())] = err != nil; err == nil {
					unlock()
				}
			}
			return nil
		}
	}
	d.write("store/etc/passwd", "root:x:0:0:edited:/root:/bin/sh\n")
	s := d.applying("/etc/passwd")
	watch()
	d.run(s)
	if !locked["/etc/passwd"] {
		t.Errorf("a program can change accounts while apply does: %v", locked)
	}
	d.want("/etc/passwd", "root:x:0:0:edited:/root:/bin/sh\n")
	sys.Fault = nil
	unlock, err := d.root.LockAccounts(0)
	must(t, err)
	unlock()

	d.replace("/etc/passwd", "root:x:0:0:session:/root:/bin/sh\n")
	r := d.start(nil)
	watch()
	clear(locked)
	d.persist(r)
	sys.Fault = nil
	if is, did := locked["/etc/passwd"]; !did || is {
		t.Errorf("a boot locks accounts: %v", locked)
	}
}

// Account files that come late come together: one set of before is kept of them, and not one for each.
func TestCarryAccountsLate(t *testing.T) {
	d := newCarrier(t)
	d.replace("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\n")
	d.replace("/etc/shadow", "root:*:19000:0:99999:7:::\nbird:secret:19000:0:99999:7:::\n")
	d.replace("/etc/group", "root:x:0:\nbird:x:1000:\n")
	r := d.start(nil)
	r.Absent = []string{"/persist"}
	d.persist(r)
	r.Absent = nil
	for i := range r.Entries {
		r.Entries[i].State = Missed
	}
	d.comes(r)
	for _, p := range []string{"/etc/passwd", "/etc/shadow", "/etc/group"} {
		if !strings.Contains(d.read(p), "bird") || !strings.Contains(d.read("/persist"+p), "bird") {
			t.Errorf("%s: %q; %q", p, d.read(p), r.Problems)
		}
	}
	if names, err := d.root.List("/persist/.anicca/carry/accounts"); err != nil || len(names) != 1 {
		t.Errorf("kept sets: %q, %v", names, err)
	}
}

// An account database that a power cut has left half-written, or empty, does not replace a good one, nor do the others of its set.
func TestCarryDamagedAccounts(t *testing.T) {
	for what, text := range map[string]string{
		"empty": "", "cut off": "root:x:0:0::/root:/bin/sh\nbird:x:1000:10", "without root": "bird:x:1000:1000::/home/bird:/bin/sh\n",
	} {
		t.Run(what, func(t *testing.T) {
			d := newCarrier(t)
			d.replace("/etc/passwd", text)
			d.replace("/etc/group", "root:x:0:\nbird:x:1000:\n")
			d.replace(carriedPath, "other\n")
			r := d.restart(nil)
			d.both("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
			d.both("/etc/group", "root:x:0:\n")
			d.both(carriedPath, "other\n")
			if r.OK() || !said(r, "the account files are damaged (/etc/passwd: ") || !slices.Equal(d.aside("/etc/passwd"), []string{text}) {
				t.Errorf("%q, put aside %q", r.Problems, d.aside("/etc/passwd"))
			}
			r = d.restart(nil)
			d.both("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
			if !r.OK() {
				t.Errorf("the boot after it: %q", r.Problems)
			}
		})
	}
}

// Accounts that were changed are carried together, and the sets before are kept, the last five.
func TestCarryAccounts(t *testing.T) {
	d := newCarrier(t)
	passwd := func(n int) string {
		return "root:x:0:0::/root:/bin/sh\nbird:x:" + strconv.Itoa(n) + ":1000::/home/bird:/bin/sh\n"
	}
	for n := range 8 {
		d.replace("/etc/passwd", passwd(1000+n))
		if r := d.restart(nil); !r.OK() {
			t.Fatalf("%q", r.Problems)
		}
		d.both("/etc/passwd", passwd(1000+n))
	}
	found, err := filepath.Glob(d.dir + "/store/.anicca/carry/accounts/*/etc/passwd")
	must(t, err)
	if len(found) != 5 {
		t.Fatalf("%d sets: %q", len(found), found)
	}
	if got, err := os.ReadFile(d.dir + "/store/.anicca/carry/accounts/8/etc/passwd"); err != nil || string(got) != passwd(1006) {
		t.Errorf("the set before: %q, %v", got, err)
	}
	if _, err := os.Stat(d.dir + "/store/.anicca/carry/accounts/8/etc/shadow"); err != nil {
		t.Error(err)
	}
}
