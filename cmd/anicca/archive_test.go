package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/nstest"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// An old root is called by its number as well as by its id, wherever one is named.
func TestOldRootsByNumber(t *testing.T) {
	nstest.Need(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	work, err := sys.OpenTree(t.TempDir())
	must(err)
	defer work.Close()
	dir := work.Path("disk")
	must(os.Mkdir(dir, 0o755))
	must(work.Mount("disk", "disk", "tmpfs", nil, "mode=0755"))
	t.Cleanup(func() { must(unmountIn(filepath.Dir(dir), "disk")) })
	must(os.MkdirAll(dir+"/anicca/base/1", 0o755))
	must(os.Mkdir(dir+"/store", 0o755))
	d, err := root.CreateOverlay(dir, "anicca/base/1", root.Ledger{Store: "store", StorePath: "/persist"}, time.Now())
	must(err)
	defer d.Close()
	if _, err := oldID(d, "1"); err == nil || err.Error() != "there are no old roots yet: each reset makes one" {
		t.Errorf("no old root yet: %v", err)
	}
	for range 2 {
		_, err = d.Reset(root.Order{Now: time.Now()})
		must(err)
		must(d.Commit(time.Now()))
	}
	list, err := d.Archive()
	must(err)
	for name, want := range map[string]string{"1": list[0].ID, "000001": list[0].ID, list[0].ID: list[0].ID, "2": list[1].ID, "last": list[1].ID} {
		if id, err := oldID(d, name); err != nil || id != want {
			t.Errorf("%s: %s, %v; want %s", name, id, err, want)
		}
	}
	for _, name := range []string{"3", "", "0000"} { // no such; nothing; both begin so
		if id, err := oldID(d, name); err == nil {
			t.Errorf("%q: %s", name, id)
		}
	}
}
