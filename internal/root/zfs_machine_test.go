package root

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/sys"
	"anicca/internal/zfstest"
)

// rootSet is the root of the machines in these tests, as Debian's guide lays it out.
const rootSet = tankName + "/ROOT/debian"

// tankName is the name of the pool. It must not be that of a pool of somebody who runs the tests on a real one.
const tankName = "anicca-test"

// tank is a pool that tests look into, simulated or real.
type tank interface {
	OpenZFS
	Write(dataset, file, text string) error
	Read(dataset, file string) string
	Exists(dataset string) bool
	Automounted() map[string][]string // what 'zfs mount -a' would mount where
}

// zfsMachine is a pool with a root on it that boots by the property bootfs, and a top level.
type zfsMachine struct {
	t   *testing.T
	p   tank
	top string
	now time.Time
}

// command runs a command of a user.
func (m *zfsMachine) command(line ...string) {
	m.t.Helper()
	if out, err := m.p.Run(line[0], line[1:]...); err != nil {
		m.t.Fatalf("%v: %v\n%s", line, err, out)
	}
}

// newSimulated makes a machine whose root has snapshots of its user.
func newSimulated(t *testing.T) (*zfsMachine, *zfstest.Pool) {
	t.Helper()
	p := zfstest.New(tankName)
	m := &zfsMachine{t: t, p: p, top: t.TempDir(), now: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)}
	if err := os.Mkdir(filepath.Join(m.top, anicca), 0o700); err != nil {
		t.Fatal(err)
	}
	was := ZFS
	ZFS = p
	t.Cleanup(func() { ZFS = was })
	m.layOut()
	p.Log = nil
	return m, p
}

func (m *zfsMachine) layOut() {
	m.t.Helper()
	m.command("zfs", "create", "-o", "mountpoint=none", tankName+"/ROOT")
	m.command("zfs", "create", "-o", "mountpoint=/", "-o", "canmount=noauto", "-o", "compression=lz4", "-o", "org.debian:what=the root", rootSet)
	m.command("zpool", "set", "bootfs="+rootSet, tankName)
	m.write(rootSet, "etc/issue", "base\n")
	m.write(rootSet, "usr/lib/modules/6.1.0-1/modules.dep", "x")
	m.command("zfs", "snapshot", rootSet+"@monday")
}

func (m *zfsMachine) write(dataset, file, text string) {
	m.t.Helper()
	if err := m.p.Write(dataset, file, text); err != nil {
		m.t.Fatal(err)
	}
}

// mounted does as MountTop does before Open.
func (m *zfsMachine) mounted() {
	m.t.Helper()
	if p, ok := m.p.(*zfstest.Pool); ok {
		p.Mount(tankName+"/anicca", filepath.Join(m.top, anicca))
		return
	}
	m.unmount()
	top, err := sys.OpenTree(m.top)
	if err != nil {
		m.t.Fatal(err)
	}
	defer top.Close()
	if err := top.Mount(tankName+"/anicca", anicca, "zfs", nil, ""); err != nil {
		m.t.Fatal(err)
	}
}

func (m *zfsMachine) setUp() *Disk {
	m.t.Helper()
	err := CreateDatasets(rootSet)
	if err == nil {
		err = NotAlone(rootSet)
	}
	if err == nil {
		err = CreateStore(rootSet, "anicca/store")
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.mounted()
	d, err := Create(m.top, Ledger{Backend: "zfs", Root: "ROOT/debian", Store: "anicca/store", StorePath: "/persist"}, m.now)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { d.Close() })
	return d
}

// withBase sets a machine up and makes base 1.
func (m *zfsMachine) withBase() *Disk {
	m.t.Helper()
	d := m.setUp()
	m.write(tankName+"/anicca/store", "kept", "kept\n")
	if _, err := d.MakeBase(nil, m.now); err != nil {
		m.t.Fatal(err)
	}
	return d
}

func (m *zfsMachine) open() (*Disk, error) {
	m.mounted()
	return Open(m.top)
}

func (m *zfsMachine) reset(d *Disk, from string) (Made, error) {
	m.now = m.now.Add(time.Minute)
	made, err := d.Reset(Order{Now: m.now, BootID: "boot", Kernel: "6.1.0-1", From: from})
	if err == nil {
		err = d.Commit(m.now)
	}
	return made, err
}

// sound makes sure of what must be true after every boot.
func (m *zfsMachine) sound(where string) {
	m.t.Helper()
	if m.p.Read(rootSet, "etc/issue") != "base\n" {
		m.t.Errorf("%s: there is no root", where)
	}
	if m.p.Read(tankName+"/anicca/store", "kept") != "kept\n" {
		m.t.Errorf("%s: the store is lost", where)
	}
	for at, names := range m.p.Automounted() {
		if len(names) > 1 || strings.HasPrefix(names[0], tankName+"/anicca/") {
			m.t.Errorf("%s: %v would be mounted at %s", where, names, at)
		}
	}
	if out, err := m.p.Run("zpool", "get", "-Hp", "-o", "value", "bootfs", tankName); err != nil || strings.TrimSpace(out) != rootSet {
		m.t.Errorf("%s: the pool boots %q, %v", where, out, err)
	}
	for _, p := range []string{"mountpoint=/", "canmount=noauto", "compression=lz4", "org.debian:what=the root"} {
		name, want, _ := strings.Cut(p, "=")
		if out, err := m.p.Run("zfs", "get", "-Hp", "-o", "value", name, rootSet); err != nil || strings.TrimSpace(out) != want {
			m.t.Errorf("%s: the root has %s=%q, want %q; %v", where, name, out, want, err)
		}
	}
}
