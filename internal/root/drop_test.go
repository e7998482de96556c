package root

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/sys"
)

// withOld resets a new disk n times, with a nested tree of subvolumes, one of them read-only, in the first old root.
func withOld(t *testing.T, n int) (string, *Disk) {
	t.Helper()
	top := newDisk(t)
	run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@persist"))
	write(t, filepath.Join(top, "@persist/kept"), "kept\n")
	b := setUp(t, top)
	if _, err := b.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"a", "a/b", "a/b/c"} {
		run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@rootfs", p))
		write(t, filepath.Join(top, "@rootfs", p, "file"), "x\n")
	}
	run(t, "btrfs", "-q", "property", "set", "-f", filepath.Join(top, "@rootfs/a/b"), "ro", "true")
	for range n {
		if _, err := reset(b); err != nil {
			t.Fatal(err)
		}
	}
	return top, b
}

func there(p string) bool {
	_, err := os.Lstat(p)
	return err == nil
}

func TestDrop(t *testing.T) {
	top, b := withOld(t, 2)
	first, second := b.Ledger().Archive[0], b.Ledger().Archive[1]
	if err := b.Drop(first.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(time.Now()); err != nil {
		t.Fatal(err)
	}
	if there(filepath.Join(top, "anicca/archive", first.ID)) || !there(filepath.Join(top, "anicca/archive", second.ID)) {
		t.Error("the wrong root was dropped, or none")
	}
	if read(t, filepath.Join(top, "@persist/kept")) != "kept\n" || read(t, filepath.Join(top, "@rootfs/etc/issue")) != "base\n" || !there(filepath.Join(top, "anicca/base/1")) {
		t.Error("something else was deleted")
	}
	again, err := Open(top)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if old, _ := again.Archive(); len(old) != 1 || old[0].ID != second.ID {
		t.Errorf("the ledger says %+v", old)
	}
}

func TestDropRefuses(t *testing.T) {
	top, b := withOld(t, 3)
	old := b.Ledger().Archive
	refuse := func(id, why string) {
		t.Helper()
		if err := b.Drop(id, time.Now()); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("drop %s: %v, want %q", id, err, why)
		}
	}
	for _, id := range []string{"", ".", "..", "../base/1", "../../@persist", "x"} {
		refuse(id, "no old root")
	}

	// A user has put something else in the place of an old root.
	p := filepath.Join(top, "anicca/archive", old[0].ID)
	if err := os.Rename(p, p+".mine"); err != nil {
		t.Fatal(err)
	}
	run(t, "btrfs", "-q", "subvolume", "snapshot", filepath.Join(top, "@persist"), p)
	refuse(old[0].ID, "is not the root that was put there")

	if err := b.Pin(old[1].ID, true, time.Now()); err != nil {
		t.Fatal(err)
	}
	refuse(old[1].ID, "is pinned")

	at := t.TempDir()
	run(t, "mount", "--bind", filepath.Join(top, "anicca/archive", old[2].ID, "etc"), at)
	refuse(old[2].ID, "is mounted at "+at)
	run(t, "umount", at)

	// A container has it, and nobody else sees that.
	hold := exec.Command("unshare", "--mount", "sh", "-c", "mount --bind "+filepath.Join(top, "anicca/archive", old[2].ID)+" "+at+" && echo mounted && exec cat")
	in, err := hold.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := hold.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hold.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		t.Fatal(line, err)
	}
	refuse(old[2].ID, "is mounted at "+at)
	in.Close()
	if err := hold.Wait(); err != nil {
		t.Fatal(err)
	}

	for _, o := range old {
		if !there(filepath.Join(top, "anicca/archive", o.ID)) {
			t.Errorf("%s was deleted", o.ID)
		}
	}
	if err := b.Drop(old[2].ID, time.Now()); err != nil {
		t.Error(err)
	}
}

// The power is cut at every call of an expiry. Afterwards there is a root, a base and the store,
// what was not meant is whole, and the next expiry finishes.
func TestDropCrashWalk(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	for n := 1; ; n++ {
		top, b := withOld(t, 2)
		first, second := b.Ledger().Archive[0], b.Ledger().Archive[1]
		left := n
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		err := b.Drop(first.ID, time.Now())
		if err == nil {
			err = b.Settle(time.Now())
		}
		sys.Fault = nil
		if err == nil {
			if n < 5 {
				t.Fatalf("an expiry made only %d calls: is the seam still used?", n-1)
			}
			return
		}
		if !errors.Is(err, cut) {
			t.Fatalf("call %d: %v", n, err)
		}
		if read(t, filepath.Join(top, "@persist/kept")) != "kept\n" || read(t, filepath.Join(top, "@rootfs/etc/issue")) != "base\n" ||
			!there(filepath.Join(top, "anicca/archive", second.ID, "etc/issue")) {
			t.Fatalf("call %d: something else was deleted", n)
		}
		b, err = Open(top)
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		if old, err := b.Archive(); err != nil || len(old) == 2 { // else the cut came after the last step
			if err := errors.Join(err, b.Drop(first.ID, time.Now()), b.Settle(time.Now())); err != nil {
				t.Fatalf("after call %d: %v", n, err)
			}
		}
		if old, err := b.Archive(); err != nil || len(old) != 1 || there(filepath.Join(top, "anicca/archive", first.ID)) {
			t.Fatalf("after call %d: %v, %v", n, old, err)
		}
		b.Close()
	}
}

// A root of which a part cannot be dropped stays whole.
func TestDropLooksAtEverythingFirst(t *testing.T) {
	top, d := withHome(t)
	dirty(t, top, "session")
	made, err := reset(d)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(top, "anicca/archive", made.Archive)
	at := t.TempDir()
	for _, part := range []string{"/etc", ".home"} {
		run(t, "mount", "--bind", old+part, at)
		if err := d.Drop(made.Archive, time.Now()); err == nil || !strings.Contains(err.Error(), "is mounted at "+at) {
			t.Errorf("%s is in use: %v", part, err)
		}
		run(t, "umount", at)
		if !there(old) || !there(old+".home") || len(d.Ledger().Archive) != 1 {
			t.Errorf("%s is in use: something was dropped", part)
		}
	}
	if err := d.SetNext(&Next{What: "root", ID: made.Archive}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := d.Drop(made.Archive, time.Now()); err == nil || !strings.Contains(err.Error(), "the next boot begins as it") {
		t.Errorf("the root of the next boot: %v", err)
	}
}

// Old roots of an overlay are directories, which are removed in many steps. One that a power cut has left half removed is not
// an old root any more, and the next expiry removes the rest.
func TestHalfDroppedIsALeftover(t *testing.T) {
	m := newPlainMachine(t, "ext4")
	m.session(func() {
		for _, p := range []string{"a", "b", "c", "d"} {
			write(t, filepath.Join(m.root, "data", p), "x\n")
		}
	})
	first := m.boot(Order{})
	m.session(func() {})
	m.boot(Order{})
	cut, removed := errors.New("power cut"), 0
	defer func() { sys.Fault = nil }()
	sys.Fault = func(op, p string) error {
		if strings.Contains(p, "/data") && op == "remove" {
			removed++
		}
		if removed > 2 {
			return cut
		}
		return nil
	}
	err := m.disk.Drop(first.Archive, time.Now())
	sys.Fault = nil
	if !errors.Is(err, cut) {
		t.Fatal(err)
	}
	m.reopen()
	if old, err := m.disk.Archive(); err != nil || len(old) != 1 || old[0].ID == first.Archive {
		t.Errorf("archive: %+v, %v", old, err)
	}
	if err := m.disk.SetNext(&Next{What: "root", ID: first.Archive}, time.Now()); err == nil {
		t.Error("half a root can be booted")
	}
	if foreign, err := m.disk.Foreign(); err != nil || len(foreign) > 0 {
		t.Errorf("foreign: %v, %v", foreign, err)
	}
	m.must(errors.Join(m.disk.Drop(first.Archive, time.Now()), m.disk.Settle(time.Now())))
	if there(filepath.Join(m.top, oldPath(first.Archive))) || len(m.disk.Ledger().Leftovers) > 0 {
		t.Error("the rest is still there")
	}
}
