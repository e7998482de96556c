package root

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	if words := os.Getenv(lookEnv); words != "" {
		if err := lookOn(words); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	nstest.Apart()
	os.Exit(m.Run())
}

// newDisk mounts the top level of a fresh btrfs with a root subvolume as Debian's installer lays it.
func newDisk(t *testing.T) string {
	t.Helper()
	top := nstest.Image(t, "btrfs")
	run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@rootfs"))
	write(t, filepath.Join(top, "@rootfs/etc/issue"), "base\n")
	return top
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func write(t *testing.T, p, s string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(s), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, p string) string {
	t.Helper()
	b, err := os.ReadFile(p)
	if errors.Is(err, os.ErrNotExist) {
		return "(missing)"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func setUp(t *testing.T, top string) *Disk {
	t.Helper()
	b, err := Create(top, Ledger{Backend: decl.Btrfs, Root: "@rootfs", Store: "@persist", StorePath: "/persist"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// reset resets and commits, as a boot does.
func reset(d *Disk) (Made, error) {
	made, err := d.Reset(Order{Now: time.Now(), BootID: "boot", Kernel: "6.1.0-1"})
	if err == nil {
		err = d.Commit(time.Now())
	}
	return made, err
}

func TestResetBringsBaseBack(t *testing.T) {
	top := newDisk(t)
	b := setUp(t, top)
	if _, err := b.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	for boot := 1; boot <= 3; boot++ {
		write(t, filepath.Join(top, "@rootfs/etc/issue"), "changed\n")
		write(t, filepath.Join(top, "@rootfs/undeclared"), "junk\n")
		if boot == 2 { // as container tools do
			run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@rootfs/machines"))
		}
		made, err := reset(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, filepath.Join(top, "@rootfs/etc/issue")); got != "base\n" {
			t.Errorf("boot %d: /etc/issue is %q after the reset", boot, got)
		}
		if got := read(t, filepath.Join(top, "@rootfs/undeclared")); got != "(missing)" {
			t.Errorf("boot %d: an undeclared file survived", boot)
		}
		if got := read(t, filepath.Join(top, archiveDir, made.Archive, "undeclared")); got != "junk\n" {
			t.Errorf("boot %d: the archive has %q", boot, got)
		}
		if err := b.Check(filepath.Join(top, "@rootfs"), &made); err != nil {
			t.Error(err)
		}
		old, err := b.Archive()
		if err != nil || len(old) != boot {
			t.Errorf("boot %d: archive %v, %v", boot, old, err)
		}
	}
}

func TestVerifyNoticesAnotherRoot(t *testing.T) {
	top := newDisk(t)
	b := setUp(t, top)
	if _, err := b.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	made, err := reset(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(filepath.Join(top, archiveDir, made.Archive), &made); err == nil {
		t.Error("the old root passed for the new one")
	}
}

func TestBaseThatIsNotOursIsRefused(t *testing.T) {
	top := newDisk(t)
	b := setUp(t, top)
	if _, err := reset(b); err == nil {
		t.Error("reset without a base")
	}
	if _, err := b.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	run(t, "btrfs", "property", "set", filepath.Join(top, baseDir, "1"), "ro", "false")
	if _, err := reset(b); err == nil {
		t.Error("reset from a writable base")
	}
	if got := read(t, filepath.Join(top, "@rootfs/etc/issue")); got != "base\n" {
		t.Errorf("the root was touched: %q", got)
	}
}

// TestCrashWalk stops a reset at every call that changes something, as a power cut would,
// then starts over as the next boot does.
func TestCrashWalk(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	top := newDisk(t)
	b := setUp(t, top)
	if _, err := b.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	b.Close()
	for n := 1; ; n++ {
		junk := filepath.Join(top, "@rootfs/undeclared")
		write(t, junk, "junk\n")
		left := n
		sys.Fault = func(op, p string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		b, err := Open(top)
		if err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		_, err = reset(b)
		b.Close()
		sys.Fault = nil
		if err == nil {
			if n < 6 {
				t.Fatalf("a reset made only %d calls: is the seam still used?", n-1)
			}
			return
		}
		if !errors.Is(err, cut) {
			t.Fatalf("call %d: %v", n, err)
		}
		if got := read(t, filepath.Join(top, "@rootfs/etc/issue")); got != "base\n" {
			t.Fatalf("call %d: there is no root: %q", n, got)
		}
		b, err = Open(top)
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		said, err := b.Recover(time.Now())
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		t.Logf("call %d: %v", n, said)
		made, err := reset(b)
		if err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		if got := read(t, junk); got != "(missing)" {
			t.Errorf("after call %d: an undeclared file survived", n)
		}
		if err := b.Check(filepath.Join(top, "@rootfs"), &made); err != nil {
			t.Errorf("after call %d: %v", n, err)
		}
		// Every session's root, with its junk, is in exactly one old root.
		old, err := b.Archive()
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, o := range old {
			if read(t, filepath.Join(top, archiveDir, o.ID, "undeclared")) == "junk\n" {
				found++
			}
		}
		if found != n {
			t.Errorf("after call %d: %d of %d sessions are in the archive", n, found, n)
		}
		b.Close()
	}
}

func TestNested(t *testing.T) {
	top := newDisk(t)
	var want []string
	if err := os.MkdirAll(filepath.Join(top, "@rootfs/var/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 300 { // more than one answer of the kernel holds
		p := fmt.Sprintf("var/lib/v%03d", i)
		run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@rootfs", p))
		want = append(want, p)
	}
	run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@rootfs/var/lib/v000/deeper"))
	tree, err := sys.OpenTree(top)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	got, err := tree.Nested("@rootfs")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d nested subvolumes, want %d: %v", len(got), len(want), err)
	}
}
