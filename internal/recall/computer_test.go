package recall_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/recall"
	"anicca/internal/root"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	nstest.Apart()
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func write(t *testing.T, p, s string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(t, os.WriteFile(p, []byte(s), 0o644))
}

func read(t *testing.T, p string) string {
	t.Helper()
	b, err := os.ReadFile(p)
	if errors.Is(err, os.ErrNotExist) {
		return "(missing)"
	}
	must(t, err)
	return string(b)
}

// computer is an installed system whose root is mounted at root while it runs.
type computer struct {
	*testing.T
	recall.Machine
	top, root string
	up        func()
}

// boot resets, and mounts the root.
func (c *computer) boot() {
	c.Helper()
	if c.Root != nil {
		must(c.T, c.Root.Close())
		run(c.T, "umount", "-R", c.root)
		_, err := c.Disk.Reset(root.Order{Now: time.Now()})
		must(c.T, errors.Join(err, c.Disk.Commit(time.Now())))
	}
	c.up()
	var err error
	c.Root, err = sys.OpenTree(c.root)
	must(c.T, err)
}

// computers runs a test on each backend that keeps whole roots, and on each that keeps differences.
func computers(t *testing.T, test func(t *testing.T, c *computer)) {
	for _, fstype := range []string{"btrfs", "ext4"} {
		t.Run(fstype, func(t *testing.T) {
			c := &computer{T: t, top: nstest.Image(t, fstype), root: filepath.Join(nstest.Memory(t), "root")}
			must(t, os.Mkdir(c.root, 0o755))
			base := c.top
			if fstype == "btrfs" {
				base = filepath.Join(c.top, "@rootfs")
				run(t, "btrfs", "-q", "subvolume", "create", base)
				run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(c.top, "@home"))
				write(t, filepath.Join(c.top, "@home/bird/cv"), "base\n")
				must(t, os.Mkdir(filepath.Join(base, "home"), 0o755))
			} else {
				write(t, filepath.Join(base, "home/bird/cv"), "base\n")
			}
			write(t, filepath.Join(base, "etc/issue"), "base\n")
			write(t, filepath.Join(base, "etc/gone"), "base\n")
			var err error
			if fstype == "btrfs" {
				c.Disk, err = root.Create(c.top, root.Ledger{Backend: decl.Btrfs, Root: "@rootfs", Store: "@persist", StorePath: "/persist"}, time.Now())
				must(t, err)
				_, err = c.Disk.MakeBase([]root.Part{{Path: "/home", Volume: "@home"}}, time.Now())
				must(t, err)
				c.up = func() {
					run(t, "mount", "--bind", filepath.Join(c.top, "@rootfs"), c.root)
					run(t, "mount", "--bind", filepath.Join(c.top, "@home"), filepath.Join(c.root, "home"))
				}
			} else {
				c.Disk, err = root.CreateOverlay(c.top, ".", root.Ledger{Store: "anicca/store", StorePath: "/persist"}, time.Now())
				must(t, err)
				c.up = func() { must(t, c.Disk.MountRoot("/dev/test", c.root)) }
			}
			c.boot()
			t.Cleanup(func() {
				c.Root.Close()
				c.Disk.Close()
				run(t, "umount", "-R", c.root)
			})
			test(t, c)
		})
	}
}

// at is a path of the running root for the programs of the test.
func (c *computer) at(p string) string { return filepath.Join(c.root, p) }

// look lets f look into a place.
func (c *computer) look(name string, f func(v *recall.View)) {
	c.Helper()
	v, err := c.Open(name)
	must(c.T, err)
	f(v)
	must(c.T, v.Close())
}

func (c *computer) changes(from, to, p string) (out []string) {
	c.Helper()
	c.look(from, func(a *recall.View) {
		c.look(to, func(b *recall.View) {
			changes, _, err := recall.Changes(a, b, p)
			must(c.T, err)
			for _, x := range changes {
				out = append(out, x.What+" "+x.Path)
			}
		})
	})
	return out
}

func (c *computer) do(v *recall.View, actions []recall.Action, err error) []recall.Action {
	c.Helper()
	must(c.T, err)
	for i := range actions {
		must(c.T, c.Do(v, &actions[i], time.Now()))
	}
	return actions
}

func (c *computer) session() {
	write(c.T, c.at("etc/issue"), "changed\n")
	write(c.T, c.at("srv/new/a"), "a\n")
	write(c.T, c.at("home/bird/cv"), "better\n")
	write(c.T, c.at("home/bird/letter"), "letter\n")
	must(c.T, os.Remove(c.at("etc/gone")))
}
