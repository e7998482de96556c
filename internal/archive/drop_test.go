package archive

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/nstest"
	"anicca/internal/root"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	nstest.Enter()
	os.Exit(m.Run())
}

// Who stops it keeps what was not dropped yet, and what was dropped stays so.
func TestDropIsStopped(t *testing.T) {
	nstest.Need(t)
	top := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	here, err := sys.OpenTree(top)
	check(err)
	check(here.Mount("disk", ".", "tmpfs", nil, "mode=0755"))
	check(here.Close())
	up, err := sys.OpenTree(filepath.Dir(top))
	check(err)
	t.Cleanup(func() { check(errors.Join(up.Unmount(filepath.Base(top), true), up.Close())) })
	check(os.MkdirAll(filepath.Join(top, "anicca/base/1"), 0o755))
	d, err := root.CreateOverlay(top, "anicca/base/1", root.Ledger{Store: "store", StorePath: "/persist"}, time.Now())
	check(err)
	var verdicts []Verdict
	for range 3 {
		_, err := d.Reset(root.Order{Now: time.Now()})
		check(errors.Join(err, d.Commit(time.Now())))
	}
	old, err := d.Archive()
	check(err)
	for _, o := range old {
		verdicts = append(verdicts, Verdict{Old: o, Drop: true})
	}
	enough := errors.New("enough")
	var stopped error
	err = Drop(d, verdicts, time.Now(), 0, func() error { return stopped }, func(Verdict, error) { stopped = enough })
	if !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	check(d.Close())
	d, err = root.Open(top)
	check(err)
	defer d.Close()
	left, err := d.Archive()
	check(err)
	if len(left) != 2 || left[0].ID != old[1].ID {
		t.Errorf("of %d old roots, %v are left", len(old), left)
	}
}
