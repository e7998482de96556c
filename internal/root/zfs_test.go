package root

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestZFSReset(t *testing.T) {
	m, _ := newSimulated(t)
	zfsReset(t, m)
}

func zfsReset(t *testing.T, m *zfsMachine) {
	d := m.withBase()
	for boot := 1; boot <= 3; boot++ {
		m.write(rootSet, "etc/issue", "changed\n")
		m.write(rootSet, "undeclared", fmt.Sprint(boot))
		made, err := m.reset(d, "")
		if err != nil {
			t.Fatal(err)
		}
		m.sound(fmt.Sprint("boot ", boot))
		if m.p.Read(rootSet, "undeclared") != "" {
			t.Errorf("boot %d: an undeclared file survived", boot)
		}
		if got := m.p.Read(tankName+"/anicca/archive/"+made.Archive, "undeclared"); got != fmt.Sprint(boot) {
			t.Errorf("boot %d: the archive has %q", boot, got)
		}
		if has, err := d.HasModules("6.1.0-1", ""); err != nil || !has {
			t.Errorf("the base has no modules: %v", err)
		}
		if has, err := d.HasModules("6.1.0-2", ""); err != nil || has {
			t.Errorf("the base has modules that nobody installed: %v", err)
		}
	}
	old, err := d.Archive()
	if err != nil || len(old) != 3 {
		t.Fatalf("%v, %v", old, err)
	}
	// An old root as a start, once.
	made, err := m.reset(d, old[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	if m.p.Read(rootSet, "undeclared") != "2" || m.p.Read(rootSet, "etc/issue") != "changed\n" || made.From != old[1].ID {
		t.Errorf("not the old root: %+v", made)
	}
	if err := d.Drop(old[1].ID, time.Now()); err == nil || !strings.Contains(err.Error(), "lies over it") {
		t.Errorf("an old root in use was dropped: %v", err)
	}
	if _, err := m.reset(d, ""); err != nil {
		t.Fatal(err)
	}
	m.sound("at the end")
}

// A base that is made in a session which began as an old root does not keep that old root for ever.
func TestZFSBaseFromAnOldRoot(t *testing.T) {
	m, _ := newSimulated(t)
	zfsBaseFromAnOldRoot(t, m)
}

func zfsBaseFromAnOldRoot(t *testing.T, m *zfsMachine) {
	d := m.withBase()
	first, err := m.reset(d, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.reset(d, first.Archive)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.MakeBase(nil, m.now); err != nil {
		t.Fatal(err)
	}
	third, err := m.reset(d, "")
	if err != nil {
		t.Fatal(err)
	}
	if third.Base != 2 {
		t.Fatalf("%+v", third)
	}
	for _, id := range []string{third.Archive, second.Archive, first.Archive} {
		if err := d.Drop(id, time.Now()); err != nil {
			t.Fatalf("drop %s: %v", id, err)
		}
		if m.p.Exists(tankName + "/anicca/archive/" + id) {
			t.Errorf("%s is still there", id)
		}
	}
	if err := d.Settle(m.now); err != nil {
		t.Fatal(err)
	}
	m.sound("after all old roots were dropped")
	if _, err := d.Base(); err != nil {
		t.Error(err)
	}
	// The user's snapshot of the first root has gone to the base that was made of it.
	out, err := m.p.Run("zfs", "list", "-Hp", "-d", "1", "-t", "snapshot", "-o", "name", tankName+"/anicca/base/1")
	if err != nil || !strings.Contains(out, tankName+"/anicca/base/1@monday\n") {
		t.Errorf("the user's snapshot is lost: %q, %v", out, err)
	}
	if _, err := m.reset(d, ""); err != nil {
		t.Error(err)
	}
}

func TestZFSDropRefuses(t *testing.T) {
	m, p := newSimulated(t)
	zfsDropRefuses(t, m)
	d, err := m.open()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	id := d.ledger.Archive[1].ID
	p.Mount(tankName+"/anicca/archive/"+id, "/mnt")
	if err := d.Drop(id, time.Now()); err == nil || !strings.Contains(err.Error(), "unmount it first") {
		t.Errorf("drop of a mounted root: %v", err)
	}
}

func zfsDropRefuses(t *testing.T, m *zfsMachine) {
	d := m.withBase()
	for range 3 {
		if _, err := m.reset(d, ""); err != nil {
			t.Fatal(err)
		}
	}
	old := d.Ledger().Archive
	refuse := func(id, why string) {
		t.Helper()
		if err := d.Drop(id, time.Now()); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("drop %q: %v, want %q", id, err, why)
		}
	}
	for _, id := range []string{"", ".", "..", "../base/1", "../../ROOT/debian", old[0].ID + "@monday", "x"} {
		refuse(id, "no old root")
	}
	for _, p := range []string{"anicca", "anicca/base", "anicca/store", "ROOT/debian", "anicca/archive/x@y", "anicca/archive/../../ROOT/debian", "anicca/archive/x%y"} {
		if err := d.kind.Remove(p); err == nil || !strings.Contains(err.Error(), "is no root of ours") {
			t.Errorf("remove %s: %v", p, err)
		}
	}
	if err := d.kind.Remove("anicca/base/1"); err == nil || !strings.Contains(err.Error(), "is a clone") {
		t.Errorf("remove a base that roots lie on: %v", err)
	}
	at := tankName + "/anicca/archive/" + old[2].ID
	m.command("zfs", "create", "-o", "mountpoint=legacy", at+"/mine")
	refuse(old[2].ID, "lies below "+at)
	m.command("zfs", "rename", "-u", at+"/mine", tankName+"/mine")

	m.command("zfs", "snapshot", at+"@look")
	m.command("zfs", "clone", "-o", "canmount=noauto", at+"@look", tankName+"/look")
	refuse(old[2].ID, tankName+"/look is a clone of "+at)
	m.command("zfs", "destroy", "-r", tankName+"/look")

	// A user has put something else in the place of an old root.
	m.command("zfs", "rename", "-u", tankName+"/anicca/archive/"+old[0].ID, tankName+"/theirs")
	m.command("zfs", "rename", "-u", tankName+"/mine", tankName+"/anicca/archive/"+old[0].ID)
	refuse(old[0].ID, "is not the root that was put there")

	if err := d.Drop(old[2].ID, time.Now()); err != nil {
		t.Error(err)
	}
	if m.p.Exists(at) || !m.p.Exists(tankName+"/anicca/archive/"+old[0].ID) || !m.p.Exists(tankName+"/anicca/archive/"+old[1].ID) {
		t.Error("the wrong dataset was dropped, or none")
	}
	m.sound("after it all")
}

// What cannot take turns is found out before anything is made.
func TestZFSRootThatCannotBeReplaced(t *testing.T) {
	for why, spoil := range map[string][]string{
		rootSet + "/var lies below":      {"zfs", "create", rootSet + "/var"},
		"set canmount=noauto " + rootSet: {"zfs", "set", "canmount=on", rootSet},
		"base 1 is writable":             {"zfs", "set", "readonly=off", tankName + "/anicca/base/1"},
		"base 1 is missing":              {"zfs", "rename", "-u", tankName + "/anicca/base/1", tankName + "/mine"},
	} {
		m, p := newSimulated(t)
		d := m.withBase()
		m.command(spoil...)
		before := p.Log
		_, err := m.reset(d, "")
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v", why, err)
		}
		if said, err := d.Recover(m.now); err != nil || len(said) > 0 && !strings.Contains(said[0], "had not begun") {
			t.Errorf("%q: %v, %v", why, said, err)
		}
		for _, line := range p.Log[len(before):] {
			if changes(line) {
				t.Errorf("%q: %s", why, line)
			}
		}
	}
}

func TestZFSSweep(t *testing.T) {
	m, _ := newSimulated(t)
	zfsSweep(t, m)
}

// zfsSweep removes what a power cut has left of a file that was being written, on the mount that it lies on.
func zfsSweep(t *testing.T, m *zfsMachine) {
	d := m.withBase()
	left := filepath.Join(m.top, anicca, ".anicca-tmp-1234")
	write(t, left, "{torn")
	if err := d.Sweep(); err != nil {
		t.Error(err)
	}
	if there(left) || !there(filepath.Join(m.top, ledgerPath)) {
		t.Error("swept nothing, or too much")
	}
}

// A key that is not the whole pool's is found out before the root leaves its place.
func TestZFSKeys(t *testing.T) {
	m, p := newSimulated(t)
	p.Encrypt(tankName)
	d := m.withBase()
	if _, err := m.reset(d, ""); err != nil {
		t.Fatal(err)
	}
	m.sound("with one key")
	p.Encrypt(rootSet) // as zfs change-key does
	if _, err := m.reset(d, ""); err == nil || !strings.Contains(err.Error(), "zfs change-key -i") {
		t.Errorf("a root with a key of its own: %v", err)
	}
	if _, err := d.Recover(m.now); err != nil {
		t.Error(err)
	}
	if _, err := d.MakeBase(nil, m.now); err == nil || !strings.Contains(err.Error(), "zfs change-key -i") {
		t.Errorf("a base with a key of its own: %v", err)
	}
	m.sound("with two keys")
}

// changes reports whether a command changes a pool.
func changes(line string) bool {
	f := strings.Fields(line)
	return f[0] != "show" && f[1] != "get" && f[1] != "list"
}

// The ledger is written anew from what lies on the pool.
func TestZFSRebuild(t *testing.T) {
	m, _ := newSimulated(t)
	d := m.withBase()
	if _, err := m.reset(d, ""); err != nil {
		t.Fatal(err)
	}
	d.Close()
	write(t, filepath.Join(m.top, ledgerPath), "{torn")
	if _, err := m.open(); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	if _, err := Rebuild(m.top, "zfs", "ROOT/debian", m.now); err == nil || !strings.Contains(err.Error(), "no store") {
		t.Fatalf("rebuilt without a store: %v", err)
	}
	m.write(tankName+"/anicca/store", ".anicca/current", "-> generations/1")
	m.write(tankName+"/anicca/store", ".anicca/generations/1/boot.json", `{"stores":[{"path":"/persist","subvol":"anicca/store"}]}`)
	said, err := Rebuild(m.top, "zfs", "ROOT/debian", m.now)
	if err != nil || !strings.Contains(said[0], "1 bases and 1 old roots") {
		t.Fatal(said, err)
	}
	if d, err = m.open(); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if l := d.Ledger(); l.StorePath != "/persist" || !l.Archive[0].Pinned || l.Root != "ROOT/debian" {
		t.Errorf("%+v", l)
	}
	if _, err := m.reset(d, ""); err != nil {
		t.Error(err)
	}
	m.sound("after the rebuild")
}
