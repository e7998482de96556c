package root

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/sys"
)

// inMemory lets f work in a machine whose root is in memory, and ends the session without saving.
func (m *plainMachine) inMemory(f func()) {
	m.t.Helper()
	m.must(m.disk.MountRAMRoot("/dev/test", m.root, "64M"))
	m.must(CheckOverlay(m.root))
	f()
	run(m.t, "umount", m.root)
	run(m.t, "umount", ramDir)
}

// A root in memory goes into the archive when it is saved at the end, and is known to be lost when not.
func TestRootInMemory(t *testing.T) {
	m := newPlainMachine(t, "ext4")
	m.boot(Order{RAM: true})
	var saved string
	m.inMemory(func() {
		write(t, filepath.Join(m.root, "undeclared"), "saved\n")
		m.must(os.Remove(filepath.Join(m.root, "etc/gone")))
		if there(filepath.Join(m.top, "anicca/upper/undeclared")) {
			t.Error("a root in memory is written to the disk")
		}
		if used, size, err := RAM(); err != nil || size != 64<<20 || used == 0 {
			t.Errorf("memory: %d of %d, %v", used, size, err)
		}
		var err error
		saved, err = m.disk.SaveRAM(time.Now())
		m.must(err)
	})
	made, err := m.disk.Reset(Order{Now: time.Now(), RAM: true, Booted: Booted{Root: saved, Kernel: "6.1.0-1"}})
	m.must(err)
	m.must(m.disk.Commit(time.Now()))
	if m.old(made.Archive, "/undeclared") != "saved\n" || m.old(made.Archive, "/etc/gone") != "(missing)" {
		t.Error("the saved root is not in the archive")
	}
	m.inMemory(func() {
		m.want(m.root, "undeclared", "(missing)")
		m.want(m.root, "etc/gone", "base\n")
		write(t, filepath.Join(m.root, "undeclared"), "not saved\n")
	})
	m.boot(Order{RAM: true})
	old, err := m.disk.Archive()
	m.must(err)
	if last := old[len(old)-1]; !last.Lost || old[len(old)-2].Lost || !old[len(old)-2].Good {
		t.Errorf("archive: %+v", old)
	}
	if used, _, err := RAM(); used != 0 || err != nil {
		t.Errorf("no root in memory, and %d bytes of it, %v", used, err)
	}
}

// The power is cut at every call of the saving. A root that is only half in place is never taken for an old root.
func TestSaveCrashWalk(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	m := newPlainMachine(t, "ext4")
	for n := 1; ; n++ {
		m.boot(Order{RAM: true})
		var err error
		whole := false
		m.inMemory(func() {
			for _, p := range []string{"a", "b", "dir/c"} {
				write(t, filepath.Join(m.root, p), "session\n")
			}
			left := n
			sys.Fault = func(op, p string) error {
				if left--; left <= 0 {
					return cut
				}
				whole = whole || op == "exchange"
				return nil
			}
			_, err = m.disk.SaveRAM(time.Now())
			sys.Fault = nil
		})
		if err != nil && !errors.Is(err, cut) {
			t.Fatalf("call %d: %v", n, err)
		}
		m.disk.Close()
		d, oerr := Open(m.top)
		m.must(oerr)
		m.disk = d
		_, rerr := m.disk.Recover(time.Now())
		m.must(rerr)
		made := m.boot(Order{})
		old, aerr := m.disk.Archive()
		m.must(aerr)
		if last := old[len(old)-1]; !last.Lost {
			for _, p := range []string{"/a", "/b", "/dir/c"} {
				if got := m.old(made.Archive, p); got != "session\n" {
					t.Errorf("after call %d: the saved root has %s: %q", n, p, got)
				}
			}
		} else if whole {
			t.Errorf("after call %d: a saved root is called lost", n)
		}
		for _, o := range m.disk.Ledger().Leftovers {
			m.must(m.disk.Drop(o.ID, time.Now()))
		}
		m.must(m.disk.Sweep())
		if foreign, err := m.disk.Foreign(); err != nil || len(foreign) > 0 {
			t.Errorf("after call %d: not in the ledger: %v, %v", n, foreign, err)
		}
		if err == nil {
			if n < 40 {
				t.Errorf("a saving made only %d calls: is the seam still used?", n-1)
			}
			return
		}
	}
}

func (m *plainMachine) save() {
	m.t.Helper()
	_, err := m.disk.SaveRAM(time.Now())
	m.must(err)
}
