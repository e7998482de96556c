package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/plan"
)

// What a program has changed is set right at every boot where the declaration enforces it, and nowhere else.
func TestBootEnforces(t *testing.T) {
	nstest.NeedIDs(t)
	was := entries
	defer func() { entries = was }()
	entries = slices.Clone(entries)
	uid, mode := 1000, decl.Mode(0o750)
	for i := range entries {
		entries[i].Perm = plan.Perm{UID: &uid, Mode: &mode}
		entries[i].Enforce = entries[i].Path != "/etc/bind"
	}
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/upper/etc/later", "made later\n")
	r := d.boot(nil)
	if !r.OK() {
		t.Fatalf("%+v", r)
	}
	for p, want := range map[string]string{
		"/srv/data": "0750 1000:0", "/srv/data/f": "0644 0:0", "/persist/etc/link": "0750 1000:0", decl.MachineID: "0750 1000:0",
		"/persist" + decl.MachineID: "0750 1000:0", "/etc/later": "0750 1000:0", "/etc/bind": "0644 0:0",
	} {
		s, err := d.root.Stat(p)
		must(t, err)
		if got := fmt.Sprintf("%04o %d:%d", s.Perm(), s.Uid, s.Gid); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
}

// What an earlier session left unfinished beside entries and their kept copies goes; what this one is making stays.
func TestUnfinishedIsSwept(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("store/srv/.anicca-tmp-1/data/f", "half\n")
	d.write("store/etc/.anicca-tmp-2", "half\n")
	r := d.finish(d.boot(nil))
	left := func() (n int) {
		for _, p := range []string{"store/srv/.anicca-tmp-1", "store/etc/.anicca-tmp-2"} {
			if _, err := os.Lstat(filepath.Join(d.dir, p)); err == nil {
				n++
			}
		}
		return n
	}
	if left() != 2 {
		t.Error("what was begun after the kernel was started is gone")
	}
	store, err := d.root.Sub("/persist")
	must(t, err)
	defer store.Close()
	b, err := apply.Current(store)
	must(t, err)
	sweep(r, d.root, b, time.Now().Add(time.Hour))
	if left() != 0 || !r.OK() || d.read("/srv/data/f") != "kept\n" {
		t.Errorf("%d are left, %+v", left(), r)
	}
}
