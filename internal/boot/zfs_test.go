package boot

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/zfstest"
)

// pool is a machine whose root is a dataset of a simulated pool.
type pool struct {
	*zfstest.Pool
	t    *testing.T
	disk *root.Disk
}

func newPool(t *testing.T, reset decl.Reset) *pool {
	t.Helper()
	p := &pool{Pool: zfstest.New("rpool"), t: t}
	was := root.ZFS
	root.ZFS = p.Pool
	t.Cleanup(func() { root.ZFS = was })
	p.command("zfs", "create", "-o", "mountpoint=none", "rpool/ROOT")
	p.command("zfs", "create", "-o", "mountpoint=/", "-o", "canmount=noauto", "rpool/ROOT/debian")
	p.command("zpool", "set", "bootfs=rpool/ROOT/debian", "rpool")
	must(t, p.Write("rpool/ROOT/debian", "usr/lib/modules/6.1.0-1/modules.dep", ""))
	must(t, root.CreateDatasets("rpool/ROOT/debian"))
	must(t, root.CreateStore("rpool/ROOT/debian", "anicca/store"))
	text, err := json.Marshal(plan.Boot{Format: plan.Format, Reset: reset, Stores: []plan.BootStore{{Path: "/persist", Subvol: "anicca/store", Need: decl.Required}}})
	must(t, err)
	must(t, p.Write("rpool/anicca/store", ".anicca/current", "-> generations/1"))
	must(t, p.Write("rpool/anicca/store", ".anicca/generations/1/boot.json", string(text)))
	top := t.TempDir()
	must(t, os.Mkdir(filepath.Join(top, "anicca"), 0o700))
	p.Mount("rpool/anicca", filepath.Join(top, "anicca"))
	p.disk, err = root.Create(top, root.Ledger{Backend: decl.ZFS, Root: "ROOT/debian", Store: "anicca/store", StorePath: "/persist"}, time.Now())
	must(t, err)
	t.Cleanup(func() { p.disk.Close() })
	_, err = p.disk.MakeBase(nil, time.Now())
	must(t, err)
	must(t, p.Write("rpool/ROOT/debian", "undeclared", "x"))
	return p
}

func (p *pool) command(line ...string) {
	p.t.Helper()
	_, err := p.Run(line[0], line[1:]...)
	must(p.t, err)
}

func (p *pool) forgot() bool { return p.Read("rpool/ROOT/debian", "undeclared") == "" }

func TestZFSResetForgets(t *testing.T) {
	p := newPool(t, decl.ResetOn)
	r := Reset(Machine{Disk: p.disk, Subvol: "ROOT/debian", Kernel: "6.1.0-1", Now: time.Now(), BootID: "boot"})
	must(t, p.disk.Commit(time.Now()))
	if r.Outcome != Done || !r.OK() || !p.forgot() || r.Backend != decl.ZFS {
		t.Errorf("%+v", r)
	}
	p.Mount("rpool/ROOT/debian", "/sysroot")
	if r.verify(p.disk.Check("/sysroot", r.Made)); !r.Verified {
		t.Errorf("%+v", r)
	}
	old, err := p.disk.Archive()
	if err != nil || len(old) != 1 || p.Read("rpool/anicca/archive/"+old[0].ID, "undeclared") != "x" {
		t.Errorf("%v, %v", old, err)
	}
}

// In each of these, the root stays as it is, and a sentence says why.
func TestZFSRootIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		reset   decl.Reset
		change  func(*Machine)
		spoil   []string
		outcome Outcome
		why     string
	}{
		"observe":         {reset: decl.ResetObserve, outcome: Kept, why: "observe"},
		"another root":    {reset: decl.ResetOn, change: func(m *Machine) { m.Subvol = "ROOT/fedora" }, outcome: Failed, why: "set root=ZFS=POOL/ROOT/debian"},
		"a snapshot":      {reset: decl.ResetOn, change: func(m *Machine) { m.Subvol = "ROOT/debian@monday" }, outcome: Failed, why: "mounts dataset"},
		"kernel upgraded": {reset: decl.ResetOn, change: func(m *Machine) { m.Kernel = "6.1.0-2" }, outcome: Refused, why: "no modules for the running kernel"},
		"no store":        {reset: decl.ResetOn, spoil: []string{"zfs", "rename", "-u", "rpool/anicca/store", "rpool/store"}, outcome: Failed, why: "the store is missing"},
		"no base":         {reset: decl.ResetOn, spoil: []string{"zfs", "rename", "-u", "rpool/anicca/base/1", "rpool/base"}, outcome: Failed, why: "base 1 is missing"},
		"a child":         {reset: decl.ResetOn, spoil: []string{"zfs", "create", "rpool/ROOT/debian/var"}, outcome: Failed, why: "lies below"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, c.reset)
			if c.spoil != nil {
				p.command(c.spoil...)
			}
			m := Machine{Disk: p.disk, Subvol: "ROOT/debian", Kernel: "6.1.0-1", Now: time.Now(), BootID: "boot"}
			if c.change != nil {
				c.change(&m)
			}
			r := Reset(m)
			if r.Outcome != c.outcome || !strings.Contains(r.Why, c.why) {
				t.Errorf("%s: %q, want %s: %q", r.Outcome, r.Why, c.outcome, c.why)
			}
			if r.OK() != (c.outcome == Kept) {
				t.Errorf("OK is %v, problems %q", r.OK(), r.Problems)
			}
			if p.forgot() {
				t.Error("the root was not kept")
			}
		})
	}
}

// An interrupted reset has left bootfs at an old root: the initrd is led back to the root, in the way that it can be.
func TestZFSBootfsBelowAnicca(t *testing.T) {
	p := newPool(t, decl.ResetOn)
	p.command("zpool", "set", "bootfs=rpool/anicca/base/1", "rpool")
	was := paramConf
	paramConf = filepath.Join(t.TempDir(), "param.conf")
	t.Cleanup(func() { paramConf = was })
	must(t, os.WriteFile(paramConf, []byte("POOL_IMPORTED=1\n"), 0o600))
	list, err := root.ListPools()
	must(t, err)
	r := &Record{FSType: "zfs"}
	r.Device, err = root.BootDataset("zfs:AUTO", root.ReadPools(list))
	must(t, err)
	if r.Device != "rpool/anicca/base/1" {
		t.Fatal(r.Device)
	}
	sub, err := meant("anicca/base/1", p.disk, r)
	must(t, err)
	if sub != "ROOT/debian" || r.Device != "rpool/ROOT/debian" || len(r.Notes) != 1 {
		t.Errorf("%q, %+v", sub, r)
	}
	if late := withDevice(&Record{}, r); len(late.Notes) != 1 {
		t.Errorf("the note is lost: %+v", late)
	}
	if text, _ := os.ReadFile(paramConf); string(text) != "POOL_IMPORTED=1\nROOT='ZFS=rpool/ROOT/debian'\n" {
		t.Errorf("param.conf: %q", text)
	}
	if sub, err := meant("ROOT/fedora", p.disk, r); err != nil || sub != "ROOT/fedora" {
		t.Errorf("another root was taken for ours: %q, %v", sub, err)
	}
}

func TestZFSPoolThatIsNotThere(t *testing.T) {
	p := newPool(t, decl.ResetOn)
	r := zfsReset(Machine{Now: time.Now()}, &Record{}, "ZFS=other/ROOT/debian")
	if r.Outcome != Failed || !strings.Contains(r.Why, "the pool other is not imported") {
		t.Errorf("%+v", r)
	}
	if slices.ContainsFunc(p.Log, func(s string) bool { return strings.HasPrefix(s, "zpool import") }) {
		t.Error("a pool was imported: that is the initrd's")
	}
}

// dracut tells what it will mount in the environment.
func TestZFSBootfsInTheEnvironment(t *testing.T) {
	t.Setenv("BOOTFS", "rpool/ROOT/debian")
	if device, _ := rootDevice("root=zfs:AUTO"); device != "ZFS=rpool/ROOT/debian" {
		t.Error(device)
	}
}
