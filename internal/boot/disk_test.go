package boot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// disk is a disk in memory with a base, a store and an overlay root.
type disk struct {
	t       *testing.T
	dir     string
	backend *root.Disk
	root    *sys.Tree // while it is mounted
}

var entries = []plan.Step{
	{Kind: plan.Bind, Path: "/srv/data", Dir: true},
	{Kind: plan.Bind, Path: "/etc/bind"},
	{Kind: plan.Symlink, Path: "/etc/link"},
	{Kind: plan.Copy, Path: decl.MachineID},
	{Kind: plan.Bind, Path: "/etc/later"},
}

// newDisk makes a disk whose store holds every entry but /etc/later, and a boot plan.
func newDisk(t *testing.T, reset decl.Reset) *disk {
	t.Helper()
	nstest.Need(t)
	bannerPath = filepath.Join(t.TempDir(), "motd.d/10-anicca")
	d := &disk{t: t, dir: t.TempDir()}
	at, err := sys.OpenTree(d.dir)
	must(t, err)
	must(t, at.Mount("disk", ".", "tmpfs", nil, "mode=0755"))
	at.Close()
	t.Cleanup(func() {
		sys.Fault = nil
		if d.root != nil {
			d.unmount()
		}
		up, err := sys.OpenTree(filepath.Dir(d.dir))
		must(t, err)
		defer up.Close()
		must(t, up.Unmount(filepath.Base(d.dir), true))
	})
	for p, text := range map[string]string{
		"anicca/base/1/etc/issue":                           "base\n",
		"anicca/base/1/etc/machine-id":                      "",
		"anicca/base/1/usr/lib/modules/6.1.0-1/modules.dep": "",
		"anicca/base/1/persist/.keep":                       "",
		"store/srv/data/f":                                  "kept\n",
		"store/etc/bind":                                    "kept\n",
		"store/etc/link":                                    "kept\n",
		"store/etc/machine-id":                              "0123\n",
		"sysroot/.keep":                                     "",
	} {
		d.write(p, text)
	}
	d.backend, err = root.CreateOverlay(d.dir, "anicca/base/1", root.Ledger{Store: "store", StorePath: "/persist"}, time.Now())
	must(t, err)
	t.Cleanup(func() { d.backend.Close() })
	d.record(reset)
	d.write("anicca/upper/etc/undeclared", "x\n")
	return d
}

func (d *disk) write(p, text string) {
	d.t.Helper()
	p = filepath.Join(d.dir, p)
	must(d.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(d.t, os.WriteFile(p, []byte(text), 0o644))
}

// record writes the boot plan of all entries, as apply does.
func (d *disk) record(reset decl.Reset) { d.declare(reset, entries) }

func (d *disk) declare(reset decl.Reset, entries []plan.Step) {
	d.t.Helper()
	d.apply(bootPlan(reset, entries...))
}

// bootPlan keeps entries in the main store.
func bootPlan(reset decl.Reset, entries ...plan.Step) *plan.Boot {
	b := &plan.Boot{Format: plan.Format, Host: "nest", Reset: reset, Stores: []plan.BootStore{{Path: "/persist"}}}
	for _, s := range entries {
		s.Store, s.Source = "/persist", "/persist"+s.Path
		b.Entries = append(b.Entries, s)
	}
	return b
}

// apply records a boot plan, in the running session if there is one.
func (d *disk) apply(b *plan.Boot) {
	d.t.Helper()
	if d.root == nil {
		d.mount()
		defer d.unmount()
	}
	d.run(plan.Step{Kind: plan.Record, Path: "/persist/.anicca/current", Store: "/persist", Boot: b})
}

// run does one step of a plan, as apply does.
func (d *disk) run(s plan.Step) {
	d.t.Helper()
	must(d.t, apply.Run(d.root, &plan.Plan{Steps: []plan.Step{s}}, nil))
}

// mount mounts the root, on the disk, and the store.
func (d *disk) mount() {
	d.t.Helper()
	must(d.t, d.backend.MountRoot("anicca", d.sysroot()))
	d.mounted()
}

// mountAs mounts the root that a reset has made, in memory if it is to be there, and the store.
func (d *disk) mountAs(r *Record) {
	d.t.Helper()
	must(d.t, mountRoot(r, d.backend, d.sysroot()))
	d.mounted()
}

func (d *disk) sysroot() string { return filepath.Join(d.dir, "sysroot") }

func (d *disk) mounted() {
	d.t.Helper()
	var err error
	d.root, err = sys.OpenTree(d.sysroot())
	must(d.t, err)
	d.show("store", "/persist")
}

// show mounts a directory of the disk in the root.
func (d *disk) show(name, at string) {
	d.t.Helper()
	top, err := sys.OpenTree(d.dir)
	must(d.t, err)
	defer top.Close()
	must(d.t, d.root.MkdirAll(at, func(string) sys.Perm { return sys.Mine(0o755) }))
	must(d.t, sys.Bind(top, name, d.root, at, nil))
}

// unmount ends the session. What was in memory is gone.
func (d *disk) unmount() {
	d.t.Helper()
	d.root.Close()
	d.root = nil
	top, err := sys.OpenTree(d.dir)
	must(d.t, err)
	defer top.Close()
	must(d.t, top.Unmount("sysroot", true))
	if private, err := sys.OpenTree("/run/anicca/private"); err == nil {
		_ = private.Unmount("ram", true) // mostly there is none
		private.Close()
	}
}

func (d *disk) forgot() bool {
	_, err := os.Lstat(filepath.Join(d.dir, "anicca/upper/etc/undeclared"))
	return errors.Is(err, fs.ErrNotExist)
}

func (d *disk) old() int {
	d.t.Helper()
	old, err := d.backend.Archive()
	must(d.t, err)
	return len(old)
}
