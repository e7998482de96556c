package apply_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/plan"
)

// perm is a declared mode, and an owner by number.
func perm(mode decl.Mode, user string) decl.Perm {
	return decl.Perm{User: user, Group: user, Mode: &mode}
}

// has says what an object of the machine is like.
func (m *machine) has(p string) string {
	m.t.Helper()
	s, err := m.root.Stat(p)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%04o %d:%d", s.Perm(), s.Uid, s.Gid)
}

// What has been there keeps its owner and mode, however they differ from the declared ones, and the difference is told;
// what is enforced is changed; what is made has what was declared.
func TestOwners(t *testing.T) {
	nstest.NeedIDs(t)
	m := newMachine(t, map[string]string{
		"base/etc/passwd":  "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\n",
		"base/srv/tight/f": "f\n", "base/srv/enforced/f": "f\n", "base/etc/plain": "x\n", "base/etc/key": "x\n", "base/etc/untouched": "x\n",
	})
	must(t, os.Chmod(filepath.Join(m.root.Name(), "srv/tight"), 0o700))
	must(t, os.Chmod(filepath.Join(m.root.Name(), "etc/untouched"), 0o600))
	entries := func() []decl.Entry {
		tight, enforced, made, plain, key := dir("/srv/tight"), dir("/srv/enforced"), dir("/srv/made"), file("/etc/plain", decl.Bind), file("/etc/key", decl.Symlink)
		tight.Perm, made.Perm, plain.Perm = perm(0o777, "1000"), perm(0o1770, "1000"), perm(0o600, "1000")
		enforced.Perm, enforced.Enforce = perm(0o2750, "1000"), true
		key.Perm, key.Enforce = perm(0o400, "1000"), true
		return []decl.Entry{tight, enforced, made, plain, key, file("/etc/untouched", decl.Bind)}
	}
	p := m.plan(entries()...)
	must(t, apply.Run(m.root, p, nil))
	for path, want := range map[string]string{
		"/srv/tight": "0700 0:0", "/srv/enforced": "2750 1000:1000", "/srv/enforced/f": "0644 0:0", "/srv/made": "1770 1000:1000",
		"/etc/plain": "0644 0:0", "/persist/etc/key": "0400 1000:1000", "/etc/untouched": "0600 0:0",
	} {
		if got := m.has(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	again := m.plan(entries()...)
	if len(again.Steps) > 0 {
		t.Errorf("still to do: %+v", again.Steps)
	}
	var drift []string
	for _, d := range again.Drift {
		drift = append(drift, d.Why.String()+" "+d.Path+" "+d.Msg)
	}
	if len(drift) != 2 || !strings.Contains(drift[1], "a.cue:1:1 /srv/tight has owner 0:0 and mode 0700, and owner 1000:1000 and mode 0777 is declared") {
		t.Errorf("drift: %q", drift)
	}
	// A program changes what is enforced: that is a step again.
	must(t, os.Chmod(filepath.Join(m.root.Name(), "srv/enforced"), 0o777))
	p = m.plan(entries()...)
	if len(p.Steps) != 1 || p.Steps[0].Kind != plan.Give {
		t.Errorf("to do: %+v", p.Steps)
	}
	must(t, apply.Run(m.root, p, nil))
	if got := m.has("/srv/enforced"); got != "2750 1000:1000" {
		t.Errorf("enforced again: %s", got)
	}
}

// Directories above an entry are as the root has them, with their access lists, on both sides; where it has none, they are safe.
func TestParents(t *testing.T) {
	nstest.NeedIDs(t)
	m := newMachine(t, map[string]string{
		"base/etc/passwd":     "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\n",
		"base/srv/group/keep": "x\n",
	})
	group := filepath.Join(m.root.Name(), "srv/group")
	must(t, os.Chown(group, 1000, 1001))
	must(t, unix.Chmod(group, 0o2770))
	list := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 5, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255}
	must(t, unix.Setxattr(group, "system.posix_acl_default", list, 0))
	home := func(p string) decl.Entry {
		e := dir("/home/bird/" + p)
		e.Home = "bird"
		return e
	}
	odd := dir("/opt/odd/x")
	odd.Parent = perm(0o711, "1001")
	must(t, apply.Run(m.root, m.plan(
		dir("/srv/group/new"), dir("/var/lib/private/app"), dir("/var/lib/app/x"), dir("/var/tmp/x"), odd,
		home(".gnupg/private-keys-v1.d"), home(".config/app/x"), home(".ssh"), home(".local/share/keyrings"), home(".local/share/state")), nil))
	want := map[string]string{
		"/srv/group": "2770 1000:1001", "/var": "0755 0:0", "/var/lib/private": "0700 0:0", "/var/lib/app": "0755 0:0", "/var/tmp": "1777 0:0", "/opt/odd": "0711 1001:1001",
		"/home": "0755 0:0", "/home/bird": "0700 1000:1000", "/home/bird/.gnupg": "0700 1000:1000", "/home/bird/.config/app": "0755 1000:1000",
		"/home/bird/.ssh": "0700 1000:1000", "/home/bird/.local/share": "0755 1000:1000", "/home/bird/.local/share/keyrings": "0700 1000:1000",
	}
	check := func(when string) {
		t.Helper()
		for p, want := range want {
			for _, side := range []string{p, "/persist" + p} {
				if got := m.has(side); got != want {
					t.Errorf("%s: %s: %s, want %s", when, side, got, want)
				}
			}
		}
	}
	check("after apply")
	buf := make([]byte, 100)
	if n, err := unix.Lgetxattr(m.root.Name()+"/persist/srv/group", "system.posix_acl_default", buf); err != nil || !bytes.Equal(buf[:n], list) {
		t.Errorf("the access list of the store's directory: %v, %v", buf[:max(n, 0)], err)
	}

	// In a root that has none of them, they are as the store has them.
	store, err := m.root.Sub("/persist")
	must(t, err)
	defer store.Close()
	b, err := apply.Current(store)
	must(t, err)
	m.stop()
	for _, d := range []string{"upper", "work"} {
		must(t, os.RemoveAll(filepath.Join(m.dir, d)))
		must(t, os.Mkdir(filepath.Join(m.dir, d), 0o755))
	}
	must(t, os.RemoveAll(filepath.Join(m.dir, "base/srv")))
	m.start()
	for _, s := range b.Entries {
		must(t, apply.Place(m.root, s))
	}
	check("after a reset")
	if n, err := unix.Lgetxattr(m.root.Name()+"/srv/group", "system.posix_acl_default", buf); err != nil || !bytes.Equal(buf[:n], list) {
		t.Errorf("the access list of the root's directory: %v, %v", buf[:max(n, 0)], err)
	}
}

// A name that nobody has any more leaves the entry kept as it was.
func TestNameThatIsGone(t *testing.T) {
	m := newMachine(t, map[string]string{"base/srv/x/f": "f\n"})
	e := dir("/srv/x")
	must(t, apply.Run(m.root, m.plan(e), nil))
	e.Perm.User = "gone"
	p := m.plan(e)
	if len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0].Msg, "no user gone") || len(p.Steps) > 0 {
		t.Errorf("%+v %+v", p.Conflicts, p.Steps)
	}
}

// What is enforced may differ between a kept copy and what it covers; what lies in it may not.
func TestEnforcedIsNoExcuse(t *testing.T) {
	m := newMachine(t, map[string]string{"base/srv/.keep": "", "store/srv/same/f": "f\n", "store/srv/other/f": "f\n", "store/etc/f": "kept\n"})
	mode := decl.Mode(0o700)
	entries := []decl.Entry{dir("/srv/same"), dir("/srv/other"), file("/etc/f", decl.Bind)}
	for i := range entries {
		entries[i].Perm.Mode, entries[i].Enforce = &mode, true
	}
	p := m.plan(entries...)
	for path, text := range map[string]string{"srv/same/f": "f\n", "srv/other/f": "newer\n", "etc/f": "newer\n"} {
		path = filepath.Join(m.root.Name(), path)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	must(t, os.Chmod(filepath.Join(m.root.Name(), "srv/same"), 0o750))
	err := apply.Run(m.root, p, nil)
	if !errors.Is(err, apply.ErrWouldLose) || !strings.Contains(err.Error(), "/srv/other") || !strings.Contains(err.Error(), "/etc/f") || strings.Contains(err.Error(), "/srv/same") {
		t.Errorf("%v", err)
	}
	if m.read("/srv/other/f") != "newer\n" || m.read("/etc/f") != "newer\n" || m.has("/srv/same") != "0700 0:0" {
		t.Errorf("%q, %q, %s", m.read("/srv/other/f"), m.read("/etc/f"), m.has("/srv/same"))
	}
}
