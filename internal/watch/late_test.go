package watch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// stand is a watcher on a machine whose boot record says of an entry how it came out. It looks when it is told to.
func (m *machine) stand(p string, s boot.State) (w *watcher, now func(boot.State)) {
	m.t.Helper()
	o := m.options()
	o.Again = filepath.Join(filepath.Dir(m.dir), "boot.json")
	now = func(s boot.State) {
		r := *o.Record
		r.Generation, r.Entries = m.plan().Generation, []boot.Entry{{Path: p, State: s}}
		must(m.t, r.Write(o.Again))
	}
	now(s)
	w, err := begin(o)
	must(m.t, err)
	m.t.Cleanup(func() { w.events.Close() })
	w.settle(false)
	return w, now
}

func (w *watcher) look() {
	w.all(time.Now())
	w.settle(false)
}

// What lies in the place of a link whose store has only just come is the base's: it must not take the place of the kept copy.
func TestLinkThatIsYetToCome(t *testing.T) {
	for _, state := range []boot.State{boot.Absent, boot.Later, boot.Missed} {
		m := newMachine(t, usual[0])
		m.replace(linked, "base\n")
		w, now := m.stand(linked, state)
		w.look()
		if m.isLink() || m.read(linked) != "base\n" || m.read("/persist"+linked) != "kept\n" {
			t.Errorf("%s: kept %q, aside %q", state, m.read("/persist"+linked), m.asides(linked))
		}
		must(t, apply.Place(m.tree, m.plan().Entries[0])) // a later part of the boot comes
		now(boot.Placed)
		w.look()
		m.replace(linked, "session\n")
		w.look()
		if !m.isLink() || m.read("/persist"+linked) != "session\n" {
			t.Errorf("%s: what a program wrote afterwards is not kept: %q", state, m.read("/persist"+linked))
		}
	}
}

// A carried file that came late is saved early from then on.
func TestSavedOnceItCame(t *testing.T) {
	m := newMachine(t, usual[2])
	w, now := m.stand(carried, boot.Absent)
	m.replace(carried, "base\n")
	w.look()
	if got := m.read("/persist" + carried); got != "kept\n" {
		t.Errorf("the base's was saved: %q", got)
	}
	m.replace(carried, "kept\n")
	now(boot.Placed)
	m.replace(carried, "session\n")
	w.look()
	if got := m.read("/persist" + carried); got != "session\n" {
		t.Errorf("not saved: %q", got)
	}
}

// A directory that waits for a filesystem is not put below that, and is watched when it is in place in it.
func TestMountThatIsYetToCome(t *testing.T) {
	m := newMachine(t, plan.Step{Kind: plan.Bind, Path: "/home/shared", Dir: true, Under: "/home"})
	must(t, m.tree.Unmount("/home/shared", false))
	must(t, os.Remove(m.path("/home/shared")))
	w, now := m.stand("/home/shared", boot.Later)
	if there, err := m.tree.Exists("/home/shared"); there || err != nil {
		t.Errorf("something was put below /home: %v", err)
	}
	must(t, m.tree.Mount("later", "/home", "tmpfs", nil, "mode=0755"))
	must(t, apply.Place(m.tree, m.plan().Entries[0]))
	now(boot.Placed)
	w.look()
	if got := m.wrong("/home/shared"); got != "" {
		t.Errorf("told: %s", got)
	}
	must(t, m.tree.Unmount("/home/shared", false))
	w.look()
	if !m.inPlace("/home/shared") {
		t.Errorf("not mounted again: %s", m.wrong("/home/shared"))
	}
}

// Where no link can be, a mount is in its place, and all is well.
func TestMountInsteadOfALink(t *testing.T) {
	m := newMachine(t, plan.Step{Kind: plan.Symlink, Path: folder, Dir: true})
	must(t, os.Remove(m.path(folder)))
	must(t, os.Mkdir(m.path(folder), 0o755))
	must(t, sys.Bind(m.tree, "/persist"+folder, m.tree, folder, nil))
	w, _ := m.stand(folder, boot.Placed)
	w.look()
	if got := m.wrong(folder); got != "" || m.read(folder+"/f") != "kept\n" {
		t.Errorf("told: %s", got)
	}
}

// While somebody changes accounts, such as with vipw, nobody is kept waiting, and what was changed before is saved afterwards.
func TestAccountsInUse(t *testing.T) {
	const passwd = "/etc/passwd"
	m := newMachine(t, usual[2], plan.Step{Kind: plan.Carry, Path: passwd})
	w, _ := m.stand(carried, boot.Placed)
	w.o.Again, w.o.Record = "", m.options().Record
	unlock, err := m.tree.LockAccounts(0)
	must(t, err)
	const users = "root:x:0:0::/root:/bin/sh\n"
	m.replace(passwd, users)
	m.replace(carried, "session\n")
	w.look()
	if m.read("/persist"+passwd) == users || m.read("/persist"+carried) != "session\n" {
		t.Errorf("%q, %q", m.read("/persist"+passwd), m.read("/persist"+carried))
	}
	if w.pending[passwd] == nil {
		t.Error("what was changed before is forgotten")
	}
	unlock()
	w.rests = time.Time{}
	w.settle(false)
	if got := m.read("/persist" + passwd); got != users {
		t.Errorf("not saved: %q", got)
	}
}

// A store that has no room does not fill with copies of one version.
func TestNoRoom(t *testing.T) {
	m := newMachine(t, usual[0])
	w, _ := m.stand(linked, boot.Placed)
	m.replace(linked, "session\n")
	sys.Fault = func(op, p string) error {
		if op == "rename" && strings.HasSuffix(p, "/persist"+linked) {
			return errors.New("no space left on device")
		}
		return nil
	}
	defer func() { sys.Fault = nil }()
	for range 3 {
		w.look()
	}
	if got := m.asides(linked); len(got) != 1 || m.read(linked) != "session\n" || m.wrong(linked) == "" {
		t.Errorf("aside: %q, %s", got, m.wrong(linked))
	}
	sys.Fault = nil
	w.look()
	if got := m.asides(linked); len(got) != 1 || got[0] != "kept\n" || !m.isLink() || m.read("/persist"+linked) != "session\n" {
		t.Errorf("aside: %q", got)
	}
}
