package root

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// plainMachine is an installed system on a filesystem without subvolumes, after 'anicca init'.
type plainMachine struct {
	t    *testing.T
	top  string
	disk *Disk
	root string // where its root is mounted while it runs
	seen int
}

func newPlainMachine(t *testing.T, fstype string) *plainMachine {
	t.Helper()
	m := &plainMachine{t: t, top: nstest.Image(t, fstype), root: t.TempDir()}
	for p, s := range map[string]string{
		"etc/issue": "base\n", "etc/gone": "base\n", "usr/lib/modules/6.1.0-1/modules.dep": "", "anicca/store/kept": "kept\n",
	} {
		write(t, filepath.Join(m.top, p), s)
	}
	d, err := CreateOverlay(m.top, ".", Ledger{Store: "anicca/store", StorePath: "/persist"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	m.disk = d
	t.Cleanup(func() { m.disk.Close() })
	return m
}

func (m *plainMachine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// session lets f work in the running machine.
func (m *plainMachine) session(f func()) {
	m.t.Helper()
	m.must(m.disk.MountRoot("/dev/test", m.root))
	m.must(CheckOverlay(m.root))
	f()
	run(m.t, "umount", m.root)
	if at, err := sys.MountAt(belowDir); err == nil && at.Mountpoint == belowDir {
		run(m.t, "umount", belowDir)
	}
}

func (m *plainMachine) boot(o Order) Made {
	m.t.Helper()
	o.Now, o.BootID, o.Kernel = time.Now(), "boot", "6.1.0-1"
	made, err := m.disk.Reset(o)
	m.must(err)
	m.must(m.disk.Commit(time.Now()))
	return made
}

func (m *plainMachine) want(dir, p, want string) {
	m.t.Helper()
	if got := read(m.t, filepath.Join(dir, p)); got != want {
		m.t.Errorf("%s: %q, want %q", p, got, want)
	}
}

// old reads a file of an old root.
func (m *plainMachine) old(id, p string) string {
	m.t.Helper()
	dir, rest, done, err := m.disk.OpenOld(id, p)
	m.must(err)
	defer func() { m.must(done()) }()
	return read(m.t, filepath.Join(dir, rest))
}

// Without repartitioning, the existing root is the base, and forgets; old roots can be read, booted, and become bases.
func TestOverlayOnPlainFilesystems(t *testing.T) {
	for _, fstype := range []string{"ext4", "xfs"} {
		t.Run(fstype, func(t *testing.T) { overlayLife(t, newPlainMachine(t, fstype)) })
	}
}

func overlayLife(t *testing.T, m *plainMachine) {
	m.session(func() {
		if there(filepath.Join(m.root, "anicca")) {
			t.Error("anicca's own directory is in the way of programs that read all of the root")
		}
		write(t, filepath.Join(m.root, "etc/issue"), "changed\n")
		write(t, filepath.Join(m.root, "undeclared"), "junk\n")
		m.must(os.Remove(filepath.Join(m.root, "etc/gone")))
		m.must(os.Rename(filepath.Join(m.root, "usr/lib"), filepath.Join(m.root, "usr/lib2"))) // as package managers do
	})
	first := m.boot(Order{})
	m.session(func() {
		m.want(m.root, "etc/issue", "base\n")
		m.want(m.root, "etc/gone", "base\n")
		m.want(m.root, "undeclared", "(missing)")
		m.want(m.root, "usr/lib/modules/6.1.0-1/modules.dep", "")
		write(t, filepath.Join(m.root, "second"), "2\n")
	})
	m.want(m.top, "etc/issue", "base\n") // what the base has was never written to
	for p, want := range map[string]string{
		"/undeclared": "junk\n", "/etc/issue": "changed\n", "/etc/gone": "(missing)", "/usr/lib2/modules/6.1.0-1/modules.dep": "",
	} {
		if got := m.old(first.Archive, p); got != want {
			t.Errorf("old root: %s: %q, want %q", p, got, want)
		}
	}

	// An old root is booted: a copy, whose own changes go into the archive with it.
	second := m.boot(Order{From: first.Archive})
	m.session(func() {
		m.want(m.root, "undeclared", "junk\n")
		m.want(m.root, "second", "(missing)")
		write(t, filepath.Join(m.root, "undeclared"), "junk again\n")
	})
	if got := m.old(second.Archive, "/second"); got != "2\n" {
		t.Errorf("the root before it: %q", got)
	}
	if err := m.disk.Drop(first.Archive, time.Now()); err == nil {
		t.Error("the root that the running one lies over was dropped")
	}
	third := m.boot(Order{})
	if a, b := m.old(third.Archive, "/undeclared"), m.old(first.Archive, "/undeclared"); a != "junk again\n" || b != "junk\n" {
		t.Errorf("the booted old root: %q, as it was: %q", a, b)
	}

	// The root becomes base 2, then base 3.
	for n := 2; n <= 3; n++ {
		m.session(func() {
			m.want(m.root, "undeclared", "(missing)")
			write(t, filepath.Join(m.root, fmt.Sprint("installed-", n)), "yes\n")
		})
		base, err := m.disk.MakeBase(nil, time.Now())
		if !errors.Is(err, ErrNextBoot) || base.Number != n {
			t.Fatalf("base %d: %v", base.Number, err)
		}
		if made := m.boot(Order{}); made.Became != n || made.Archive != "" {
			t.Errorf("%+v", made)
		}
	}
	for range 2 {
		m.session(func() {
			m.want(m.root, "installed-2", "yes\n")
			m.want(m.root, "installed-3", "yes\n")
			m.want(m.root, "junk", "(missing)")
			m.want(m.root, "etc/issue", "base\n")
			write(t, filepath.Join(m.root, "junk"), "junk\n")
		})
		last := m.boot(Order{})
		if a, b := m.old(last.Archive, "/junk"), m.old(last.Archive, "/installed-2"); a != "junk\n" || b != "yes\n" {
			t.Errorf("old root over base 3: %q, %q", a, b)
		}
	}
	if ok, err := m.disk.HasModules("6.1.0-1", ""); err != nil || !ok {
		t.Errorf("modules of the lowest base: %v, %v", ok, err)
	}
	if foreign, err := m.disk.Foreign(); err != nil || len(foreign) > 0 {
		t.Errorf("foreign: %v, %v", foreign, err)
	}
	m.want(m.top, "anicca/store/kept", "kept\n")
}

// The power is cut at every call of a reset, of one in which the root becomes a base, and of one that boots an old root.
func TestOverlayCrashWalk(t *testing.T) {
	for name, prepare := range map[string]func(*plainMachine) Order{
		"reset": func(*plainMachine) Order { return Order{} },
		"base": func(m *plainMachine) Order {
			if _, err := m.disk.MakeBase(nil, time.Now()); !errors.Is(err, ErrNextBoot) {
				m.t.Fatal(err)
			}
			return Order{}
		},
		"old root": func(m *plainMachine) Order {
			old, err := m.disk.Archive()
			m.must(err)
			return Order{From: old[0].ID}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newPlainMachine(t, "ext4")
			m.boot(Order{})
			for n := 1; m.cut(n, prepare(m)); n++ {
			}
			if m.seen < 12 {
				t.Errorf("a reset made only %d calls: is the seam still used?", m.seen)
			}
		})
	}
}

// cut resets and cuts the power at the n-th call; it reports whether there was one.
func (m *plainMachine) cut(n int, o Order) bool {
	t := m.t
	t.Helper()
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	m.session(func() { write(t, filepath.Join(m.root, "session"), fmt.Sprint(n)) })
	left := n
	sys.Fault = func(string, string) error {
		if left--; left <= 0 {
			return cut
		}
		return nil
	}
	o.Now, o.BootID = time.Now(), "cut"
	_, err := m.disk.Reset(o)
	if err == nil {
		err = m.disk.Commit(time.Now())
	}
	sys.Fault = nil
	if err != nil && !errors.Is(err, cut) {
		t.Fatalf("call %d: %v", n, err)
	}
	m.disk.Close()
	var rerr error
	if m.disk, rerr = Open(m.top); rerr != nil {
		t.Fatalf("after call %d: %v", n, rerr)
	}
	said, rerr := m.disk.Recover(time.Now())
	if rerr != nil {
		t.Fatalf("after call %d: %v", n, rerr)
	}
	t.Logf("call %d: %v", n, said)
	m.session(func() { m.want(m.root, "etc/issue", "base\n") }) // there is a root
	m.boot(Order{})
	m.session(func() {
		if m.disk.Ledger().Running.Base == 1 {
			m.want(m.root, "session", "(missing)")
		}
	})
	// What the session wrote is in exactly one place: an old root, or a base.
	found := 0
	old, aerr := m.disk.Archive()
	m.must(aerr)
	for _, x := range old {
		if read(t, filepath.Join(m.top, oldPath(x.ID), "session")) == fmt.Sprint(n) {
			found++
		}
	}
	for _, b := range m.disk.Ledger().Bases {
		if b.Path == "" && read(t, filepath.Join(m.top, b.at(), "session")) == fmt.Sprint(n) {
			found++
		}
	}
	if found != 1 {
		t.Errorf("after call %d: the session is in %d old roots and bases", n, found)
	}
	m.want(m.top, "anicca/store/kept", "kept\n")
	m.seen = n
	return err != nil
}
