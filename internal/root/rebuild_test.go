package root

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// withPlan is a machine whose store says by its boot plan that it is one.
func withPlan(t *testing.T) *plainMachine {
	m := newPlainMachine(t, "ext4")
	m.bootPlan("anicca/store", `{"stores":[{"path":"/persist","subvol":"anicca/store"}]}`)
	return m
}

func (m *plainMachine) bootPlan(store, text string) {
	m.t.Helper()
	write(m.t, filepath.Join(m.top, store, ".anicca/1/boot.json"), text)
	m.must(os.Symlink("1", filepath.Join(m.top, store, ".anicca/current")))
}

// damage makes the ledger unreadable.
func (m *plainMachine) damage() {
	m.t.Helper()
	m.disk.Close()
	write(m.t, filepath.Join(m.top, "anicca/ledger.json"), `{"format":1,"ba`)
	if _, err := Open(m.top); !errors.Is(err, ErrDamaged) {
		m.t.Fatal(err)
	}
}

// A ledger is rebuilt in the middle of a reset, and the power goes at every call of that. What the reset has moved is found.
func TestRebuildCrashWalk(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	m := withPlan(t)
	for n := 1; ; n++ {
		m.session(func() { write(t, filepath.Join(m.root, "session"), "precious\n") })
		m.cutReset(putAway)
		m.damage()
		left := n
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		_, err := Rebuild(m.top, decl.Overlay, "", time.Now())
		sys.Fault = nil
		if err != nil {
			if !errors.Is(err, cut) {
				t.Fatalf("call %d: %v", n, err)
			}
			if d, oerr := Open(m.top); errors.Is(oerr, ErrDamaged) {
				_, oerr = Rebuild(m.top, decl.Overlay, "", time.Now())
				m.must(oerr)
			} else {
				m.must(oerr)
				d.Close()
			}
		}
		d, oerr := Open(m.top)
		if oerr != nil {
			t.Fatalf("after call %d: %v", n, oerr)
		}
		m.disk = d
		_, rerr := m.disk.Recover(time.Now())
		m.must(rerr)
		found := 0
		for _, o := range m.disk.Ledger().Archive {
			if m.old(o.ID, "/session") == "precious\n" {
				found++
			}
		}
		if found != n || m.disk.Ledger().Store != "anicca/store" {
			t.Fatalf("after call %d: the sessions are in %d old roots of %d; %+v", n, found, n, m.disk.Ledger())
		}
		m.session(func() { m.want(m.root, "etc/issue", "base\n") })
		if err == nil {
			if n < 4 {
				t.Errorf("a rebuilding made only %d calls: is the seam still used?", n-1)
			}
			return
		}
	}
}

// A directory that any user can make, such as one below /tmp, is not taken for the store.
func TestRebuildTrustsNoStoreOfAUser(t *testing.T) {
	m := withPlan(t)
	m.bootPlan("a", `{"stores":[{"path":"/persist"}]}`)
	m.must(os.Chown(filepath.Join(m.top, "a/.anicca"), 1000, 1000))
	m.bootPlan("b", `{"stores":[{"path":"/persist"}]}`)
	m.must(os.Chmod(filepath.Join(m.top, "b/.anicca"), 0o777))
	m.damage()
	m.must(os.RemoveAll(filepath.Join(m.top, "anicca/store/.anicca")))
	if _, err := Rebuild(m.top, decl.Overlay, "", time.Now()); err == nil || !strings.Contains(err.Error(), "there is no store with a boot plan") {
		t.Errorf("a user's store: %v", err)
	}
	m.bootPlan("anicca/store", `{"stores":[{"path":"/persist","subvol":"anicca/store"}]}`)
	_, err := Rebuild(m.top, decl.Overlay, "", time.Now())
	m.must(err)
	m.reopen()
	if got := m.disk.Ledger().Store; got != "anicca/store" {
		t.Errorf("store %q", got)
	}
}

// A directory of somebody else's is not taken for our own, and one of the administrator's is closed to others.
func TestOwnDirectory(t *testing.T) {
	top := nstest.Image(t, "ext4")
	write(t, filepath.Join(top, "anicca/letter"), "the user's")
	create := func() error {
		d, err := CreateOverlay(top, ".", Ledger{Store: "anicca/store", StorePath: "/persist"}, time.Now())
		if err == nil {
			d.Close()
		}
		return err
	}
	for _, change := range []func() error{
		func() error { return os.Chown(filepath.Join(top, "anicca"), 1000, 1000) },
		func() error {
			return errors.Join(os.Chown(filepath.Join(top, "anicca"), 0, 0), os.Chmod(filepath.Join(top, "anicca"), 0o777))
		},
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if err := create(); err == nil || !strings.Contains(err.Error(), "not the administrator's alone") {
			t.Errorf("taken: %v", err)
		}
	}
	if err := os.Chmod(filepath.Join(top, "anicca"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	if s, err := os.Stat(filepath.Join(top, "anicca")); err != nil || s.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", s.Mode(), err)
	}
}

// The UUID of the filesystem was changed. 'anicca init' goes on with what is there; with a ledger from elsewhere it does not.
func TestFilesystemWithAnotherUUID(t *testing.T) {
	const other = "11111111-2222-3333-4444-555555555555"
	m := newPlainMachine(t, "ext4")
	was := m.disk.Ledger().Filesystem
	moved := *m.disk.Ledger()
	moved.Filesystem = other
	m.must(moved.write(m.disk.top, time.Now()))
	d, err := CreateOverlay(m.top, ".", Ledger{Store: "anicca/store", StorePath: "/persist"}, time.Now())
	m.must(err)
	if d.Ledger().Filesystem != was {
		t.Errorf("filesystem %s, want %s", d.Ledger().Filesystem, was)
	}
	d.Close()

	top := newDisk(t)
	b := setUp(t, top)
	if _, err := b.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	l := *b.Ledger()
	l.Filesystem = other
	l.Bases[0].UUID = other // as in a copy of the files alone
	if err := l.write(b.top, time.Now()); err != nil {
		t.Fatal(err)
	}
	_, err = Create(top, Ledger{Backend: decl.Btrfs, Root: "@rootfs", Store: "@persist", StorePath: "/persist"}, time.Now())
	if err == nil || !strings.Contains(err.Error(), "is a copy from another filesystem") {
		t.Errorf("a ledger from elsewhere: %v", err)
	}
}
