package root

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// baseNew is 'anicca base new' on a root that becomes the base at the next boot.
func (m *plainMachine) baseNew() {
	m.t.Helper()
	if _, err := m.disk.MakeBase(nil, time.Now()); !errors.Is(err, ErrNextBoot) {
		m.t.Fatal(err)
	}
}

// notMade expects that no base comes of what was asked for, and that the user is told why.
func (m *plainMachine) notMade(from, why string) {
	m.t.Helper()
	said, err := m.disk.SettleFreeze(from, time.Now())
	if err != nil || !strings.Contains(said, "base 2 was not made: ") || !strings.Contains(said, why) {
		m.t.Errorf("%q, %v, want %q", said, err, why)
	}
	if l := m.disk.Ledger(); l.Freeze != 0 || len(l.Bases) != 1 {
		m.t.Errorf("freeze %d, bases %+v", l.Freeze, l.Bases)
	}
}

// A base is asked for, and the next boot begins as an old root instead: what lies over it cannot become the base, and does not later.
func TestBaseIsNotMadeOfAnOldRoot(t *testing.T) {
	m := newPlainMachine(t, "ext4")
	m.session(func() { write(t, filepath.Join(m.root, "first"), "1\n") })
	first := m.boot(Order{})
	m.session(func() { write(t, filepath.Join(m.root, "installed"), "yes\n") })
	m.baseNew()
	m.notMade(first.Archive, "this boot begins as old root "+first.Archive)
	second := m.boot(Order{From: first.Archive})
	if got := m.old(second.Archive, "/installed"); got != "yes\n" {
		t.Errorf("what was to become the base is not in the archive: %q", got)
	}
	m.session(func() { m.want(m.root, "first", "1\n") })
	if _, err := m.disk.MakeBase(nil, time.Now()); err == nil || !strings.Contains(err.Error(), "this session runs on old root "+first.Archive) {
		t.Errorf("a base of an old root: %v", err)
	}
	m.boot(Order{})
	m.session(func() {
		m.want(m.root, "first", "(missing)")
		m.want(m.root, "etc/issue", "base\n")
	})
}

// A root in memory that a power cut took does not become a base: an empty one would.
func TestBaseIsNotMadeOfWhatIsLost(t *testing.T) {
	m := newPlainMachine(t, "ext4")
	m.boot(Order{RAM: true})
	m.inMemory(func() { write(t, filepath.Join(m.root, "usr/bin/installed"), "yes\n") })
	m.baseNew()
	m.notMade("", "was in memory, and was not saved")
	m.boot(Order{RAM: true})
	m.inMemory(func() { write(t, filepath.Join(m.root, "usr/bin/installed"), "yes\n"); m.save() })
	m.baseNew()
	if said, err := m.disk.SettleFreeze("", time.Now()); said != "" || err != nil {
		t.Errorf("a saved root: %q, %v", said, err)
	}
	m.boot(Order{})
	m.session(func() { m.want(m.root, "usr/bin/installed", "yes\n") })
}

// Without being taken back first, such a base is not made either.
func TestResetDoesNotFreezeAnOldRoot(t *testing.T) {
	m := newPlainMachine(t, "ext4")
	first := m.boot(Order{})
	m.session(func() { write(t, filepath.Join(m.root, "session"), "2\n") })
	m.baseNew()
	made := m.boot(Order{From: first.Archive})
	if l := m.disk.Ledger(); len(l.Bases) != 1 || m.old(made.Archive, "/session") != "2\n" {
		t.Errorf("bases %+v, archived %q", l.Bases, m.old(made.Archive, "/session"))
	}
}

// The kernel takes only so many directories below an overlay, and so much text for their names.
func TestManyBases(t *testing.T) {
	m := newPlainMachine(t, "ext4")
	for n := 2; n <= 130; n++ {
		m.baseNew()
		m.boot(Order{})
		if n > 126 {
			m.session(func() { m.want(m.root, "etc/issue", "base\n") })
		}
	}
	l := *m.disk.Ledger()
	for n := 131; n <= mostBases; n++ {
		l.Bases = append(slices.Clone(l.Bases), Base{Number: n, On: n - 1})
	}
	*m.disk.ledger = l
	if _, err := m.disk.MakeBase(nil, time.Now()); err == nil || !strings.Contains(err.Error(), "there are 480 bases") {
		t.Errorf("base 481: %v", err)
	}
}

// What a program put beside an unfinished base of ours is not removed with it.
func TestUnfinishedBaseBesideSomethingForeign(t *testing.T) {
	top := newDisk(t)
	d := setUp(t, top)
	if _, err := d.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.MakeBase([]Part{{Path: "/home", Volume: "@home"}}, time.Now()); err == nil {
		t.Fatal("a base with a part that is not there")
	}
	mine := filepath.Join(top, "anicca/base/2.mine")
	run(t, "btrfs", "-q", "subvolume", "create", mine)
	write(t, filepath.Join(mine, "photo"), "mine\n")
	b, err := d.MakeBase(nil, time.Now())
	if err != nil || read(t, filepath.Join(mine, "photo")) != "mine\n" {
		t.Errorf("base %d, %v, photo %q", b.Number, err, read(t, filepath.Join(mine, "photo")))
	}
}

// An upper layer that has removed a kernel's modules hides those of the layers below.
func TestRemovedModulesAreNotThere(t *testing.T) {
	m := newPlainMachine(t, "ext4")
	m.session(func() { run(t, "rm", "-r", filepath.Join(m.root, "usr/lib/modules/6.1.0-1")) })
	if has, err := m.disk.HasModules("6.1.0-1", ""); !has || err != nil {
		t.Errorf("base 1 has modules: %v, %v", has, err)
	}
	m.baseNew()
	if has, err := m.disk.HasModules("6.1.0-1", ""); has || err != nil {
		t.Errorf("the base that is to be made has modules: %v, %v", has, err)
	}
	m.boot(Order{})
	if has, err := m.disk.HasModules("6.1.0-1", ""); has || err != nil {
		t.Errorf("base 2 has modules: %v, %v", has, err)
	}
}
