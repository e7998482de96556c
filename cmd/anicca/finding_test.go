package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"anicca/internal/changes"
	"anicca/internal/nstest"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// A root that began as an old root is walked. What was learnt of the base is in the store from then on, for root alone, is not read again, and gives the same answer.
func TestFindingRemembers(t *testing.T) {
	nstest.Need(t)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	work, err := sys.OpenTree(t.TempDir())
	check(err)
	defer work.Close()
	check(os.MkdirAll(work.Path("disk"), 0o755))
	check(work.Mount("disk", "disk", "tmpfs", nil, "mode=0755"))
	t.Cleanup(func() { check(unmountIn(work.Name(), "disk")) })
	for i := range 40 {
		d := work.Path(fmt.Sprint("disk/anicca/base/1/etc/", i%4))
		check(os.MkdirAll(d, 0o755))
		check(os.WriteFile(fmt.Sprint(d, "/", i), []byte("base\n"), 0o644))
	}
	for _, p := range []string{"disk/anicca/base/1/persist/.anicca", "m"} {
		check(os.MkdirAll(work.Path(p), 0o755))
	}
	d, err := root.CreateOverlay(work.Path("disk"), "anicca/base/1", root.Ledger{Store: "store", StorePath: "/persist"}, time.Now())
	check(err)
	defer d.Close()
	check(os.WriteFile(work.Path("disk/anicca/upper/new"), nil, 0o644))
	made, err := d.Reset(root.Order{Now: time.Now()})
	check(errors.Join(err, d.Commit(time.Now())))
	_, err = d.Reset(root.Order{Now: time.Now(), From: made.Archive})
	check(errors.Join(err, d.Commit(time.Now())))
	check(d.MountRoot("root", work.Path("m")))
	t.Cleanup(func() { check(unmountIn(work.Name(), "m")) })
	m, err := sys.OpenTree(work.Path("m"))
	check(err)
	defer m.Close()
	b, err := d.Base()
	check(err)
	find := func() []string {
		t.Helper()
		all, err := finding{m, "/persist", true}.find(d, b, changes.Look{Skip: func(p string) bool { return p == "/persist" || p == "/anicca" }})
		check(err)
		var out []string
		for _, c := range all {
			out = append(out, fmt.Sprint(c.What, " ", c.Path))
		}
		return out
	}
	want := []string{"added /new"}
	if got := find(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	file := work.Path("m/persist/.anicca/base.prints")
	i, err := os.Stat(file)
	check(err)
	if i.Mode() != 0o600 || i.Size() < 40*8 {
		t.Errorf("%v, %d bytes", i.Mode(), i.Size())
	}
	check(os.WriteFile(work.Path("m/etc/1/1"), []byte("changed\n"), 0o644))
	check(os.Remove(work.Path("m/etc/2/2")))
	want = []string{"modified /etc/1/1", "deleted /etc/2/2", "added /new"}
	if got := find(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if j, err := os.Stat(file); err != nil || !os.SameFile(i, j) {
		t.Errorf("it was written again: %v", err)
	}
	check(os.WriteFile(file, []byte("nonsense"), 0o600))
	if got := find(); !slices.Equal(got, want) {
		t.Errorf("with nonsense in the store, told %q, want %q", got, want)
	}

	// A boot with anicca=off writes to what all overlays lie over.
	m.Close()
	check(unmountIn(work.Name(), "m"))
	check(os.WriteFile(work.Path("disk/anicca/base/1/etc/3/late"), nil, 0o644))
	check(d.MountRoot("root", work.Path("m")))
	m, err = sys.OpenTree(work.Path("m"))
	check(err)
	defer m.Close()
	check(os.Remove(work.Path("m/etc/3/late")))
	before := bootID
	defer func() { bootID = before }()
	bootID = func() string { return "the next" }
	want = []string{"modified /etc/1/1", "deleted /etc/2/2", "deleted /etc/3/late", "added /new"}
	if got := find(); !slices.Equal(got, want) {
		t.Errorf("after another boot has changed the base, told %q, want %q", got, want)
	}
}
