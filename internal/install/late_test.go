package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/config"
	"anicca/internal/facts"
	"anicca/internal/nstest"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// A converted machine with a /home on a disk of its own and a store on a third, which comes after everything else, is
// booted twice, and resets its root both times: nothing is covered, and everything is where it belongs when it has to be.
func TestBootWithDisksThatComeLater(t *testing.T) {
	c := newConverted(t, "btrfs")
	home, bulk := c.drive("home"), c.drive("bulk")
	c.start()
	c.write("usr/lib/modules/"+sys.Kernel()+"/modules.dep", "")
	c.write("etc/fstab", c.read("etc/fstab")+home+" /home ext4 defaults 0 2\n"+bulk+" /bulk ext4 nofail 0 2\n")
	c.must(c.init())
	c.unmountTop()
	for p, s := range map[string]string{
		"var/lib/app/a": "a\n", "var/lib/app/cache/b": "b\n", "srv/films/f": "film\n",
	} {
		c.write(p, s)
	}
	later := func() {
		c.run("mount", home, c.root+"/home")
	}
	latest := func() {
		c.must(os.MkdirAll(c.root+"/bulk", 0o755))
		c.run("mount", bulk, c.root+"/bulk")
	}
	later()
	latest()
	c.write("home/shared/h", "home\n")
	dir := t.TempDir()
	c.must(os.WriteFile(dir+"/a.cue", []byte(`root: reset: "on"
persist: "/bulk": directories: {"/srv/films": phase: "late", "/var/lib/app/cache": phase: "late"}
persist: "/persist": directories: {"/var/lib/app": {}, "/home/shared": {}}
`), 0o644))
	plan := c.plan(dir)
	if len(plan.Conflicts) > 0 {
		t.Fatalf("%+v", plan.Conflicts)
	}
	tree, err := sys.OpenTree(c.root)
	c.must(err)
	c.must(apply.Run(tree, plan, nil))
	tree.Close()
	c.write("home/shared/h", "newer\n")
	c.write("var/lib/app/cache/b", "newer\n")
	c.stop()

	for n := range 2 {
		c.must(os.RemoveAll(boot.RecordPath))
		c.must(boot.InitrdReset(c.device, "subvol=@rootfs", time.Second))
		c.run("mount", "-o", "subvol=@rootfs", c.device, c.root)
		c.must(boot.InitrdPersist(c.root))
		r, err := boot.ReadRecord(boot.RecordPath)
		c.must(err)
		if r.Outcome != boot.Done || !r.OK() || !r.Verified {
			t.Fatalf("boot %d: %s %s %q", n, r.Outcome, r.Why, r.Problems)
		}
		if _, err := os.Lstat(c.root + "/home/shared"); err == nil {
			t.Errorf("boot %d: something was put where /home covers it", n)
		}
		c.shows(n, "/persist", "/var/lib/app", "a", "a\n")
		c.write("etc/typed", "typed\n")

		later()
		r, err = boot.Finish(c.root, boot.RecordPath)
		c.must(err)
		if !r.OK() || !r.Open() {
			t.Errorf("boot %d: with the local filesystems: %q", n, r.Problems)
		}
		c.shows(n, "/persist", "/home/shared", "h", "newer\n")

		latest()
		r, err = boot.FinishLate(c.root, boot.RecordPath)
		c.must(err)
		if !r.OK() || r.Open() {
			t.Errorf("boot %d: before logins: %q", n, r.Problems)
		}
		c.shows(n, "/bulk", "/srv/films", "f", "film\n")
		c.shows(n, "/bulk", "/var/lib/app/cache", "b", "newer\n")
		if p := c.plan(dir); len(p.Steps) > 0 || len(p.Conflicts) > 0 {
			t.Errorf("boot %d: there is something to do: %+v %+v", n, p.Steps, p.Conflicts)
		}
		c.stop()
	}
}

// drive makes another disk and returns its device.
func (c *converted) drive(name string) string {
	c.t.Helper()
	disk := nstest.Memory(c.t) + "/" + name
	c.must(os.WriteFile(disk, nil, 0o600))
	c.must(os.Truncate(disk, 32<<20))
	c.run("mkfs.ext4", "-q", disk)
	device, _ := nstest.Loop(c.t, disk)
	return device
}

func (c *converted) write(p, text string) {
	c.t.Helper()
	p = filepath.Join(c.root, p)
	c.must(os.MkdirAll(filepath.Dir(p), 0o755))
	c.must(os.WriteFile(p, []byte(text), 0o644))
}

// plan compares the declaration in a directory with the machine.
func (c *converted) plan(dir string) *plan.Plan {
	c.t.Helper()
	host, err := config.Load(config.Options{Dir: dir, Host: "nest"})
	c.must(err)
	table, err := os.ReadFile("/proc/self/mountinfo")
	c.must(err)
	f, err := facts.Read(facts.Source{FS: os.DirFS(c.root), Prefix: c.root, Mountinfo: strings.NewReader(string(table))}, host)
	c.must(err)
	return plan.Make(host, f)
}

// shows checks that an entry is the kept copy, on a mount of its own, and has its data.
func (c *converted) shows(n int, store, p, file, text string) {
	c.t.Helper()
	tree, err := sys.OpenTree(c.root)
	c.must(err)
	defer tree.Close()
	if ok, err := sys.MountedFrom(tree, store+p, tree, p); !ok || err != nil {
		c.t.Errorf("boot %d: %s is not %s: %v", n, p, store+p, err)
	}
	if got := c.read(p + "/" + file); got != text {
		c.t.Errorf("boot %d: %s/%s is %q", n, p, file, got)
	}
}
