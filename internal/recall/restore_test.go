package recall_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// An old root is a whole tree, with its parts, on every backend.
func TestOldRootsAreWholeTrees(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		want := []string{"deleted /etc/gone", "changed /etc/issue", "changed /home/bird/cv", "added /home/bird/letter", "added /srv"}
		if got := c.changes("base", "last", "/"); !slices.Equal(got, want) {
			t.Errorf("from the base to the last: %q, want %q", got, want)
		}
		if got := c.changes("base", "root", "/"); len(got) > 0 {
			t.Errorf("the fresh root differs from its base: %q", got)
		}
		write(c.T, c.at("home/bird/cv"), "now\n")
		if got := c.changes("base", "root", "/"); !slices.Equal(got, []string{"changed /home/bird/cv"}) {
			t.Errorf("the running root: %q", got)
		}
		lines, err := c.Log("/home/bird/cv")
		must(t, err)
		var got []string
		for _, l := range lines {
			got = append(got, l.ID[:4]+" "+l.What)
		}
		if want := []string{"root changed", "0000 changed", "base added"}; !slices.Equal(got, want) {
			t.Errorf("log: %q, want %q", got, want)
		}
		c.look("last", func(v *recall.View) {
			items, err := recall.Browse(v, "/home/bird")
			must(t, err)
			if len(items) != 2 || items[1].Name != "letter" || items[1].Size != 7 {
				t.Errorf("browse: %+v", items)
			}
		})
	})
}

// What comes back has all that it had, and so have the directories above it. What lies there changes places with it.
func TestRestore(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		list := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 5, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255}
		group := c.at("srv/group")
		write(t, group+"/f", "text\n")
		must(t, os.Chown(group, 1000, 1001))
		must(t, unix.Chmod(group, 0o2770))
		must(t, unix.Setxattr(group, "system.posix_acl_default", list, 0))
		must(t, unix.Setxattr(group+"/f", "user.note", []byte("mine"), 0))
		then := time.Unix(1000000000, 5)
		must(t, os.Chtimes(group+"/f", then, then))
		c.boot()
		v, err := c.Find("/srv/group/f")
		must(t, err)
		defer v.Close()
		c.do(v, mustPlan(t, &c.Machine, v, "/srv/group/f", "/srv/group/f"), nil)
		for p, want := range map[string]string{"/srv": "0755 0:0", "/srv/group": "2770 1000:1001", "/srv/group/f": "0644 0:0"} {
			s, err := c.Root.Stat(p)
			must(t, err)
			if got := fmt.Sprintf("%04o %d:%d", s.Perm(), s.Uid, s.Gid); got != want {
				t.Errorf("%s: %s, want %s", p, got, want)
			}
		}
		for name, want := range map[string][]byte{"": list, "/f": []byte("mine")} {
			attr := map[string]string{"": "system.posix_acl_default", "/f": "user.note"}[name]
			buf := make([]byte, 100)
			if n, err := unix.Lgetxattr(group+name, attr, buf); err != nil || !bytes.Equal(buf[:n], want) {
				t.Errorf("%s of %q: %v, %v", attr, name, buf[:max(n, 0)], err)
			}
		}
		if i, err := os.Stat(group + "/f"); err != nil || !i.ModTime().Equal(then) {
			t.Errorf("its time: %v, %v", i, err)
		}
		if again := mustPlan(t, &c.Machine, v, "/srv", "/srv"); len(again) > 0 {
			t.Errorf("there is more to do: %+v", again)
		}
		write(t, group+"/f", "newer\n")
		done := c.do(v, mustPlan(t, &c.Machine, v, "/srv/group/f", "/srv/group/f"), nil)
		if len(done) != 1 || done[0].What != recall.Replace || read(t, c.at(done[0].Aside)) != "newer\n" || read(t, group+"/f") != "text\n" {
			t.Errorf("%+v", done)
		}
	})
}

func mustPlan(t *testing.T, m *recall.Machine, v *recall.View, p, to string) []recall.Action {
	t.Helper()
	actions, err := m.Restore(v, p, to)
	must(t, err)
	return actions
}

// A whole directory of the base comes back in one step, and what it had become stays beside it.
func TestUndoADirectory(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.look("base", func(v *recall.View) {
			a, err := c.Undo(v, "/etc")
			must(t, err)
			c.do(v, []recall.Action{*a}, nil)
			if got := c.changes("base", "root", "/etc"); len(got) > 0 {
				t.Errorf("it differs from the base: %q", got)
			}
			beside, err := filepath.Glob(c.at(".etc.anicca-*"))
			if err != nil || len(beside) != 1 || read(t, beside[0]+"/issue") != "changed\n" {
				t.Errorf("beside it: %v, %v", beside, err)
			}
			if a, err := c.Undo(v, "/etc"); a != nil || err != nil {
				t.Errorf("again: %+v, %v", a, err)
			}
		})
	})
}

// The power is cut at every call while something is replaced: what lay there and what comes are both there, whole, under names
// that nothing removes.
func TestReplaceIsNeverCutInHalf(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		write(t, c.at("srv/f"), "old\n")
		c.boot()
		defer func() { sys.Fault = nil }()
		for n, cut := 1, true; cut; n++ {
			must(t, os.RemoveAll(c.at("srv")))
			write(t, c.at("srv/f"), "newer\n")
			c.look("last", func(v *recall.View) {
				actions := mustPlan(t, &c.Machine, v, "/srv/f", "/srv/f")
				left := n
				cut = false
				sys.Fault = func(string, string) error {
					if left--; left <= 0 {
						cut = true
						return errors.New("power cut")
					}
					return nil
				}
				err := c.Do(v, &actions[0], time.Now())
				sys.Fault = nil
				if (err != nil) != cut {
					t.Fatalf("call %d: %v", n, err)
				}
			})
			found := 0
			names, err := filepath.Glob(c.at("srv/*"))
			must(t, err)
			for _, p := range names {
				if !sys.IsTemp(filepath.Base(p)) && read(t, p) == "newer\n" {
					found++
				}
			}
			if s := read(t, c.at("srv/f")); found != 1 || s != "newer\n" && s != "old\n" {
				t.Fatalf("call %d: %d of what lay there, and %q in its place", n, found, s)
			}
			if n > 100 {
				t.Fatal("there is no end")
			}
		}
	})
}

// An old root that is mounted can only be read, does not expire, and is let go of.
func TestMount(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		o, err := c.Old("1")
		must(t, err)
		dir, err := c.Mount(o, "")
		must(t, err)
		for p, want := range map[string]string{"etc/issue": "changed\n", "etc/gone": "(missing)", "home/bird/letter": "letter\n"} {
			if got := read(t, c.at(filepath.Join(dir, p))); got != want {
				t.Errorf("%s: %q, want %q", p, got, want)
			}
		}
		if err := os.WriteFile(c.at(filepath.Join(dir, "x")), nil, 0o644); !errors.Is(err, unix.EROFS) {
			t.Errorf("written to: %v", err)
		}
		if why := c.Disk.Stays()[o.ID]; !strings.Contains(why, "is mounted at "+c.root) {
			t.Errorf("it stays because %q", why)
		}
		if err := c.Disk.Drop(o.ID, time.Now()); err == nil || !strings.Contains(err.Error(), "is mounted at") {
			t.Errorf("dropped while it is mounted: %v", err)
		}
		if got := c.changes("last", "1", "/"); len(got) > 0 {
			t.Errorf("while it is mounted, it looks like %q", got)
		}
		c.look("last", func(v *recall.View) {
			if items, err := recall.Browse(v, "/home/bird"); err != nil || len(items) != 2 {
				t.Errorf("while it is mounted, /home/bird has %v, %v", items, err)
			}
		})
		if _, err := c.Mount(o, ""); err == nil {
			t.Error("mounted twice at one place")
		}
		if err := c.Unmount("/home"); err == nil {
			t.Error("something else was unmounted")
		}
		open, err := os.Open(c.at(filepath.Join(dir, "etc/issue")))
		must(t, err)
		if err := c.Unmount(dir); err == nil || !strings.Contains(err.Error(), fmt.Sprint("(", os.Getpid(), ")")) {
			t.Errorf("unmounted while it is used: %v", err)
		}
		must(t, open.Close())
		must(t, c.Unmount(dir))
		if _, err := os.Stat(c.at(dir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("its directory is left: %v", err)
		}
		write(t, c.at("srv/full/x"), "x")
		if _, err := c.Mount(o, "/srv/full"); err == nil || read(t, c.at("srv/full/x")) != "x" {
			t.Errorf("mounted over data: %v", err)
		}
		must(t, errors.Join(c.Disk.Drop(o.ID, time.Now()), c.Disk.Settle(time.Now())))
	})
}

// Whoever is stopped leaves nothing mounted.
func TestStop(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		before, err := sys.MountsIn("/")
		must(t, err)
		enough := errors.New("enough")
		asked := 0
		c.Stop = func() error {
			if asked++; asked > 5 {
				return enough
			}
			return nil
		}
		a, err := c.Open("base")
		must(t, err)
		b, err := c.Open("last")
		must(t, err)
		if _, _, err := recall.Changes(a, b, "/"); !errors.Is(err, enough) {
			t.Errorf("it went on: %v", err)
		}
		must(t, errors.Join(a.Close(), b.Close()))
		if after, err := sys.MountsIn("/"); err != nil || !slices.Equal(before, after) {
			t.Errorf("mounted before %q, and after %q, %v", before, after, err)
		}
	})
}
