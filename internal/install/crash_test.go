package install

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/nstest"
	"anicca/internal/root"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	nstest.Apart()
	os.Exit(m.Run())
}

// converted is a machine that 'anicca init' is run on, with its root on a loop device.
type converted struct {
	t       *testing.T
	backend decl.Backend
	device  string
	root    string // where its root is mounted
	image   string // of its initrd
}

func newConverted(t *testing.T, fstype string) *converted {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts an image on a loop device")
	}
	if _, err := exec.LookPath("mkfs." + fstype); err != nil {
		t.Skipf("needs mkfs.%s", fstype)
	}
	c := &converted{t: t, backend: decl.Overlay, root: t.TempDir()}
	if fstype == "btrfs" {
		c.backend = decl.Btrfs
	}
	disk := nstest.Memory(t) + "/disk"
	c.must(os.WriteFile(disk, nil, 0o600))
	c.must(os.Truncate(disk, 256<<20))
	c.run("mkfs."+fstype, "-q", disk)
	c.device, _ = nstest.Loop(t, disk)
	c.run("mount", c.device, c.root)
	at := c.root
	if fstype == "btrfs" {
		c.run("btrfs", "-q", "subvolume", "create", c.root+"/@rootfs")
		at += "/@rootfs"
	}
	for p, s := range map[string]string{"etc/issue": "mine\n", "etc/fstab": "UUID=x / " + fstype + " defaults 0 0\n", "home/bird/cv": "mine\n"} {
		c.must(os.MkdirAll(filepath.Dir(filepath.Join(at, p)), 0o755))
		c.must(os.WriteFile(filepath.Join(at, p), []byte(s), 0o644))
	}
	c.run("umount", c.root)
	c.image = fakes(t, zipped(image(Dracut, "")), 0) + "/image"
	return c
}

func (c *converted) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *converted) run(name string, args ...string) string {
	c.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// start mounts what the machine mounts by itself when it boots.
func (c *converted) start() {
	if c.backend == decl.Btrfs {
		c.run("mount", "-o", "subvol=@rootfs", c.device, c.root)
	} else {
		c.run("mount", c.device, c.root)
	}
	switch fstab := c.read("etc/fstab"); {
	case !strings.Contains(fstab, " /persist "):
	case c.backend == decl.Btrfs:
		c.run("mount", "-o", "subvol=@persist", c.device, c.root+"/persist")
	default:
		c.run("mount", "--bind", c.root+"/anicca/store", c.root+"/persist")
	}
}

func (c *converted) stop() { c.run("umount", "--recursive", c.root) }

func (c *converted) read(p string) string {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.root, p))
	c.must(err)
	return string(data)
}

// init looks at the machine and does what has to be done.
func (c *converted) init() error {
	m := Machine{
		Hostname: "nest", Generator: Dracut, Images: []Image{{Path: c.image, Kernel: "6.1"}}, Device: c.device,
		Backend: c.backend, FSType: "btrfs", Subvol: "@rootfs", Store: "/persist", StoreSub: "@persist", Fstab: c.read("etc/fstab"),
	}
	if c.backend != decl.Btrfs {
		m.FSType, m.Subvol, m.StoreSub = "ext4", "", overlayStore
	}
	table, err := os.Open("/proc/self/mountinfo")
	c.must(err)
	defer table.Close()
	mounts, err := facts.ReadMounts(table, c.root)
	c.must(err)
	_, m.Mounted = mounts.At("/persist")
	m.Declared, _ = filepath.Glob(c.root + "/etc/anicca/*.cue")
	return Runner{Machine: m, Root: c.root, Programs: Programs{Init: "/usr/local/bin/anicca-init", Anicca: "/usr/local/bin/anicca"}}.Run(context.Background(), Steps(m, Starter(m)))
}

// The power is cut at every call of a conversion. The machine boots as it was, nothing of it is lost,
// and init, run again, finishes: with one base, one store and one line for it.
func TestInitCrashWalk(t *testing.T) {
	for _, fstype := range []string{"btrfs", "ext4"} {
		t.Run(fstype, func(t *testing.T) {
			n, more := 0, true
			for ; more; n++ {
				more = false
				t.Run(strconv.Itoa(n+1), func(t *testing.T) { more = newConverted(t, fstype).cut(n + 1) }) // its disk goes with it
			}
			if n < 60 {
				t.Errorf("a conversion made only %d calls: is the seam still used?", n-1)
			}
			t.Logf("%d calls", n-1)
		})
	}
}

// cut converts, cuts the power at the n-th call, boots, and converts again. It reports whether there was an n-th call.
func (c *converted) cut(n int) bool {
	t := c.t
	t.Helper()
	defer func() { sys.Fault = nil }()
	power := errors.New("power cut")
	c.start()
	left := n
	sys.Fault = func(string, string) error {
		if left--; left <= 0 {
			return power
		}
		return nil
	}
	err := c.init()
	sys.Fault = nil
	if err != nil && !errors.Is(err, power) {
		t.Fatalf("call %d: %v", n, err)
	}
	c.unmountTop()
	c.stop()
	c.start()
	if c.read("etc/issue") != "mine\n" || c.read("home/bird/cv") != "mine\n" || !strings.HasPrefix(c.read("etc/fstab"), "UUID=x / ") {
		t.Fatalf("call %d: the machine is not what it was", n)
	}
	if err := c.init(); err != nil {
		t.Fatalf("after call %d: %v", n, err)
	}
	if got := strings.Count(c.read("etc/fstab"), " /persist "); got != 1 {
		t.Errorf("after call %d: %d lines for the store:\n%s", n, got, c.read("etc/fstab"))
	}
	top, done, terr := root.MountTop(c.device, map[decl.Backend]string{decl.Btrfs: "btrfs", decl.Overlay: "ext4"}[c.backend])
	c.must(terr)
	d, derr := root.Open(top)
	c.must(derr)
	base, berr := d.Base()
	if berr != nil || base.Number != 1 {
		t.Errorf("after call %d: base %d, %v", n, base.Number, berr)
	}
	if foreign, err := d.Foreign(); err != nil || len(foreign) > 0 {
		t.Errorf("after call %d: not in the ledger: %v, %v", n, foreign, err)
	}
	made, rerr := d.Reset(root.Order{Now: base.Made, BootID: "boot"})
	if rerr == nil {
		rerr = d.Commit(base.Made)
	}
	if rerr != nil {
		t.Errorf("after call %d: the first reset: %v, %+v", n, rerr, made)
	}
	c.must(d.Close())
	c.must(done())
	c.stop()
	return err != nil
}

// unmountTop does what the end of a machine does to what a program had mounted.
func (c *converted) unmountTop() {
	const top = "/run/anicca/private/top"
	if at, err := sys.MountAt(top); err == nil && at.Mountpoint == top {
		c.run("umount", top)
	}
}
