package recall_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/recall"
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
