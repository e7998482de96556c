package recall_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/recall"
	"anicca/internal/sys"
)

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
		write(t, group+"/f", "TEXT\n")
		must(t, os.Chtimes(group+"/f", then, then))
		if again := mustPlan(t, &c.Machine, v, "/srv", "/srv"); len(again) != 1 || again[0].What != recall.Replace {
			t.Errorf("another content of the same size and time: %+v", again)
		}
		must(t, os.Remove(group+"/f"))
		c.do(v, mustPlan(t, &c.Machine, v, "/srv", "/srv"), nil)
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

// What has the longest of names is put aside as well.
func TestUndoALongName(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		for _, name := range []string{strings.Repeat("語", 85), strings.Repeat("x", 255)} {
			write(t, c.at("srv/"+name), "mine\n")
			c.look("base", func(v *recall.View) {
				a, err := c.Undo(v, "/srv/"+name)
				must(t, err)
				done := c.do(v, []recall.Action{*a}, nil)
				if got := read(t, c.at(done[0].Aside)); got != "mine\n" {
					t.Errorf("put aside: %q", got)
				}
			})
		}
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

// What differs beside the content is told, and what is no text, or too long, by size and hash.
func TestDiff(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		// user::rw- user:1000:r-- group::r-- mask::r-- other::r--
		list := []byte{
			2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe8, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
			16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
		}
		must(t, unix.Setxattr(c.at("etc/issue"), "system.posix_acl_access", list, 0))
		must(t, unix.Setxattr(c.at("etc/issue"), "user.note", []byte("mine"), 0))
		must(t, os.Chown(c.at("etc/issue"), 0, 7))
		write(t, c.at("etc/long"), "")
		must(t, os.Truncate(c.at("etc/long"), 5<<20))
		must(t, unix.Mknod(c.at("etc/device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
		c.boot()
		write(t, c.at("etc/long"), "short\n")
		must(t, unix.Mknod(c.at("etc/device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))))
		for p, want := range map[string][]string{
			"/etc/issue": {
				"owner: 0:7 -> 0:0", "access list: user::rw-,user:1000:r--,group::r--,mask::r--,other::r-- -> none",
				`attribute user.note: "mine" -> none`,
			},
			"/etc/device": {"device: 1:3 -> 1:5"},
			"/etc/gone":   nil,
			"/etc/long":   nil,
		} {
			c.look("last", func(from *recall.View) {
				c.look("root", func(to *recall.View) {
					d, err := recall.Compare(from, to, p)
					must(t, err)
					if !slices.Equal(d.Meta, want) || d.Same != (p == "/etc/gone") || d.Text != "" {
						t.Errorf("%s: %q, want %q; same: %v, text %q", p, d.Meta, want, d.Same, d.Text)
					}
					if p == "/etc/long" && (d.Before.Short() != "c036cbb7553a" || d.After.Short() == d.Before.Short()) {
						t.Errorf("%s: %+v, %+v", p, d.Before, d.After)
					}
				})
			})
		}
	})
}

// Who stops a restore gets nothing more, and what lies there stays.
func TestRestoreIsStopped(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		stopped := errors.New("stopped")
		c.look("last", func(v *recall.View) {
			actions := append(mustPlan(t, &c.Machine, v, "/srv/new/a", "/srv/new/a"), mustPlan(t, &c.Machine, v, "/etc/issue", "/etc/issue")...)
			must(t, c.Do(v, &actions[0], time.Now()))
			c.Stop = func() error { return stopped }
			if err := c.Do(v, &actions[1], time.Now()); !errors.Is(err, stopped) {
				t.Errorf("%v", err)
			}
			if read(t, c.at("srv/new/a")) != "a\n" || read(t, c.at("etc/issue")) != "base\n" {
				t.Error("the wrong one was brought back")
			}
		})
	})
}

// Not all filesystems let two things change places in one step. At whatever call that ends, what lay there and what comes are both there.
func TestRestoreWithoutExchange(t *testing.T) {
	defer func() { sys.Fault = nil }()
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		c.boot()
		write(t, c.at("etc/issue"), "mine\n")
		c.look("last", func(v *recall.View) {
			for cut := 0; ; cut++ {
				if cut == 20 {
					t.Fatal("it is never done")
				}
				a := mustPlan(t, &c.Machine, v, "/etc/issue", "/etc/issue")[0]
				calls := 0
				sys.Fault = func(op, _ string) error {
					if op == "exchange" {
						return unix.EINVAL
					}
					if op == "rename" {
						calls++
						if calls == cut {
							return unix.EIO
						}
					}
					return nil
				}
				err := c.Do(v, &a, time.Now())
				sys.Fault = nil
				if err != nil {
					if got := read(t, c.at("etc/issue")); got != "mine\n" {
						t.Errorf("call %d: %v, and %q lies there", cut, err, got)
					}
					left, err := filepath.Glob(c.at("etc/.issue.anicca-*"))
					if err != nil || len(left) > 0 {
						t.Errorf("call %d: %v, %q is left", cut, err, left)
					}
					continue
				}
				if read(t, c.at("etc/issue")) != "changed\n" || read(t, c.at(a.Aside)) != "mine\n" {
					t.Errorf("%+v", a)
				}
				if cut > 3 {
					return
				}
				write(t, c.at("etc/issue"), "mine\n")
				must(t, os.Remove(c.at(a.Aside)))
			}
		})
	})
}
