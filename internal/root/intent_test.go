package root

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/sys"
)

// cutReset cuts the power at the first call of a reset that match names, and opens the disk again.
func (m *plainMachine) cutReset(match func(op, p string) bool) {
	m.t.Helper()
	defer func() { sys.Fault = nil }()
	cut, dead := errors.New("power cut"), false
	sys.Fault = func(op, p string) error {
		if dead = dead || match(op, p); dead {
			return cut
		}
		return nil
	}
	_, err := m.disk.Reset(Order{Now: time.Now(), BootID: "cut"})
	sys.Fault = nil
	if !errors.Is(err, cut) {
		m.t.Fatalf("no cut: %v", err)
	}
	m.reopen()
}

func (m *plainMachine) reopen() {
	m.t.Helper()
	m.disk.Close()
	d, err := Open(m.top)
	m.must(err)
	m.disk = d
}

// putAway is the step that puts the old root into the archive.
func putAway(op, p string) bool { return op == "rename" && strings.Contains(p, "/archive/") }

// A reset that was interrupted is not recorded as done, however far it came, and nothing else is begun before it is finished.
func TestNothingComesBeforeAnInterruptedReset(t *testing.T) {
	for _, at := range []string{"exchange", "rename"} {
		t.Run(at, func(t *testing.T) {
			m := newPlainMachine(t, "ext4")
			m.boot(Order{})
			m.session(func() { write(t, filepath.Join(m.root, "session"), "precious\n") })
			old := m.disk.Ledger().Archive[0].ID
			m.cutReset(func(op, p string) bool { return op == at && (op != "rename" || putAway(op, p)) })
			now := time.Now()
			if err := m.disk.Commit(now); err == nil {
				t.Error("it was recorded")
			}
			_, base := m.disk.MakeBase(nil, now)
			_, save := m.disk.SaveRAM(now)
			_, reset := m.disk.Reset(Order{Now: now})
			for what, err := range map[string]error{"base": base, "save": save, "reset": reset, "drop": m.disk.Drop(old, now)} {
				if err == nil || !strings.Contains(err.Error(), "comes first: reboot") {
					t.Errorf("%s: %v", what, err)
				}
			}
			m.reopen()
			_, err := m.disk.Recover(now)
			m.must(err)
			made := m.boot(Order{})
			found := m.old(made.Archive, "/session")
			for _, o := range m.disk.Ledger().Archive {
				if o.ID != made.Archive && m.old(o.ID, "/session") == "precious\n" {
					found = "precious\n"
				}
			}
			if found != "precious\n" {
				t.Error("the session is lost")
			}
		})
	}
}

// What was noted of a reset cannot be read: it is put aside, the root is kept once, and then all goes on.
func TestIntentThatCannotBeRead(t *testing.T) {
	m := newPlainMachine(t, "ext4")
	m.boot(Order{})
	m.session(func() { write(t, filepath.Join(m.root, "session"), "precious\n") })
	m.disk.Close()
	write(t, filepath.Join(m.top, "anicca/intent.json"), `{"id": "0000`)
	m.reopen()
	if _, err := m.disk.Reset(Order{Now: time.Now()}); err == nil {
		t.Error("a reset over it")
	}
	_, err := m.disk.Recover(time.Now())
	if err == nil || !strings.Contains(err.Error(), "put aside as anicca/intent.json.damaged-") {
		t.Errorf("recover: %v", err)
	}
	m.session(func() { m.want(m.root, "session", "precious\n") })
	m.reopen()
	if said, err := m.disk.Recover(time.Now()); err != nil || len(said) > 0 {
		t.Errorf("the boot after it: %q, %v", said, err)
	}
	if made := m.boot(Order{}); m.old(made.Archive, "/session") != "precious\n" {
		t.Error("the session is lost")
	}
}
