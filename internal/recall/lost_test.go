package recall_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/recall"
	"anicca/internal/review"
)

var (
	people = []decl.Account{{Name: "bird", UID: 1000, Home: "/home/bird"}}
	scale  = review.NewScale([]decl.Preset{{Name: "radio", Entries: []decl.PresetEntry{{Path: "/var/lib/radio"}}}}, people)
	sieve  = noise.New([]decl.Noise{{Pattern: "/etc/*.cache"}, {Pattern: "~/.cache"}, {Pattern: "/srv/**/*.tmp"}}, []string{"/home/bird"})
)

// lost is what the last session had, in order.
func (c *computer) lost(v *recall.View, sieve *noise.Sieve, paths ...string) *recall.Lost {
	c.Helper()
	old, err := c.Old(recall.Last)
	must(c.T, err)
	var losses []recall.Loss
	for _, p := range paths {
		some, err := c.Losses(v, old, p)
		must(c.T, err)
		losses = append(losses, some...)
	}
	l, err := c.Sift(v, losses, paths, scale, sieve, nil)
	must(c.T, err)
	return l
}

func lines(l *recall.Lost) (out []string) {
	for _, i := range l.Items {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s +%d ~%d %d %s", i.Worth, i.Path, i.Added, i.Modified, i.Size, i.Preset)))
	}
	for _, h := range l.Noise {
		out = append(out, "noise "+h.Path)
	}
	return out
}

// What was lost comes in the order of a review, new directories are looked into, and all of it comes back, but for noise.
func TestLost(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		write(t, c.at("etc/x.cache"), "made again")
		write(t, c.at("var/lib/radio/pair"), "12345")
		for i := range 5 {
			write(t, c.at(fmt.Sprintf("srv/new/deep/%d", i)), "x")
			write(t, c.at(fmt.Sprintf("var/lib/app/%d", i)), "x")
		}
		write(t, c.at("srv/new/id_rsa"), "key")
		write(t, c.at("srv/new/deep/x.tmp"), "half")
		write(t, c.at("home/bird/.cache/x"), "x")
		must(t, os.Chown(c.at("srv/new/deep"), 1000, 1001))
		must(t, unix.Chmod(c.at("srv/new/deep"), 0o2710))
		c.boot()
		c.look(recall.Last, func(v *recall.View) {
			want := []string{
				"credentials /srv/new/id_rsa +1 ~0 3", "data /home/bird/letter +1 ~0 7", "data /home/bird/cv +0 ~1 7", "data /srv/new +6 ~0 7",
				"config /etc/issue +0 ~1 8", "state /var/lib/app +5 ~0 5", "state /var/lib/radio +1 ~0 5 radio",
				"noise /etc/x.cache", "noise /home/bird/.cache", "noise /srv/new/deep/x.tmp",
			}
			l := c.lost(v, sieve, "/", "/srv/new") // one of the paths lies in the other
			got := lines(l)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if !slices.IsSortedFunc(l.Items, func(a, b review.Item) int { return int(a.Worth - b.Worth) }) {
				t.Errorf("it is not worst first: %q", lines(l))
			}
			if got := lines(c.lost(v, sieve, "/etc/x.cache")); !slices.Equal(got, []string{"config /etc/x.cache +1 ~0 10"}) {
				t.Errorf("noise that is asked for by its path: %q", got)
			}
			if got := lines(c.lost(v, noise.New(nil, nil), "/srv")); !slices.Contains(got, "data /srv/new/deep +6 ~0 9") {
				t.Errorf("with noise: %q", got)
			}
			for _, i := range l.Items {
				for _, x := range l.Of(i) {
					c.do(v, x.Actions, nil)
				}
			}
			for p, want := range map[string]string{
				"srv/new/id_rsa": "key", "srv/new/deep/4": "x", "srv/new/deep/x.tmp": "(missing)", "etc/x.cache": "(missing)",
				"home/bird/.cache/x": "(missing)", "home/bird/letter": "letter\n", "etc/issue": "changed\n", "var/lib/radio/pair": "12345",
			} {
				if got := read(t, c.at(p)); got != want {
					t.Errorf("%s: %q, want %q", p, got, want)
				}
			}
			s, err := c.Root.Stat("/srv/new/deep") // of which only what lies in it was brought
			must(t, err)
			if got := fmt.Sprintf("%04o %d:%d", s.Perm(), s.Uid, s.Gid); got != "2710 1000:1001" {
				t.Errorf("the directory above is %s", got)
			}
			if again := lines(c.lost(v, sieve, "/")); len(again) != 3 {
				t.Errorf("there is more: %q", again)
			}
		})
	})
}

// What a new directory has can be had by itself, and what became something else is left alone where only what is missing is wanted.
func TestLostInside(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		c.session()
		write(t, c.at("srv/new/b/c"), "c\n")
		c.boot()
		c.look(recall.Last, func(v *recall.View) {
			l := c.lost(v, sieve, "/srv")
			if got := lines(l); !slices.Equal(got, []string{"data /srv +2 ~0 4"}) {
				t.Fatalf("%q", got)
			}
			srv := l.Of(l.Items[0])[0]
			for _, want := range []string{"/srv/new", "/srv/new/b"} {
				all, err := c.Inside(v, srv)
				must(t, err)
				srv = all[len(all)-1]
				if srv.Path != want || !srv.Whole() {
					t.Fatalf("%+v, want %s", all, want)
				}
			}
			c.do(v, srv.Actions, nil)
			if read(t, c.at("srv/new/b/c")) != "c\n" || read(t, c.at("srv/new/a")) != "(missing)" {
				t.Error("not that, or more than that, came back")
			}
			c.Missing = true
			write(t, c.at("srv/new/b/c"), "mine\n")
			if got := lines(c.lost(v, sieve, "/srv", "/etc")); !slices.Equal(got, []string{"data /srv/new/a +1 ~0 2"}) {
				t.Errorf("only what is missing: %q", got)
			}
		})
	})
}
