package screen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"

	"anicca/internal/review"
)

func TestOneItem(t *testing.T) {
	p := sit(t, 80, 24, added("/srv/a", 7))
	p.sees("> ", "/srv/a", "would go: 1 file, 7 B")
	p.press("down", "end", "pgdown", "up", "home", "c")
	p.sees("nothing is decided yet: k keeps")
	if !p.press("k", "c", "y") || !slices.Equal(p.Decided(), []Decision{{What: Keep, Path: "/srv/a"}}) {
		t.Errorf("%+v", p.Decided())
	}
}

// Where nothing is, no key does harm.
func TestNothing(t *testing.T) {
	p := sit(t, 80, 24)
	p.press("k", "K", "i", "u", "d", "n", "enter", "down", "c", "/", "x", "enter", "?", "q")
	if !p.press("q") || p.Decided() != nil {
		t.Errorf("%+v", p.Decided())
	}
}

func TestLeaving(t *testing.T) {
	for _, keys := range [][]string{{"k", "q", "y"}, {"k", "ctrl+c", "ctrl+c"}, {"k", "c", "ctrl+c", "y"}, {"k", "c", "n", "q", "y"}, {"k", "n", "q"}} {
		p := sit(t, 80, 24, added("/srv/a", 7))
		if !p.press(keys...) || p.Decided() != nil {
			t.Errorf("%v: %+v", keys, p.Decided())
		}
	}
	p := sit(t, 80, 24, added("/srv/a", 7))
	if p.press("k", "q", "x") || len(p.choices.all) != 1 {
		t.Error("whoever does not say yes stays, with what was decided")
	}
}

// However small a terminal is, it shows where one is, and takes keys.
func TestSmall(t *testing.T) {
	long := "/srv/" + strings.Repeat("very/", 40) + "long"
	for _, size := range [][2]int{{20, 5}, {20, 3}, {10, 2}, {1, 1}, {40, 12}, {80, 24}, {300, 60}} {
		p := sit(t, size[0], size[1], added(long, 7), added("/srv/b", 8), added("/etc/c", 9), added("/srv/d", 9), added("/srv/e", 9), added("/srv/f", 9))
		p.fits()
		p.press("end", "k", "i", "x", "enter", "esc", "d", "down", "left", "?", "left", "home", "i", "enter", "down", "u", "K", "esc", "c")
		p.press("n", "q")
		if !p.press("y") {
			t.Errorf("%v: it does not end", size)
		}
	}
	p := sit(t, 20, 5, added("/srv/b", 8), added("/etc/c", 9))
	p.press("down", "k")
	p.sees("> keep   /etc/c")
	p.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	p.fits()
	p.sees("> keep   config", "would go: 2 files, 17 B; as decided: 1 file, 8 B")
}

// Names that somebody chose to fool a terminal, or its user, are seen as what they are.
func TestNames(t *testing.T) {
	p := sit(t, 80, 24, added("/srv/a\nkeep b", 1), added("/srv/\x1b[2J", 2), added("/srv/\u202egnp.exe", 3), added("/srv/\xff", 4), added("/srv/日本語", 5))
	p.fits()
	p.sees(`"/srv/a\nkeep b"`, `"/srv/\x1b[2J"`, `"/srv/\u202egnp.exe"`, `"/srv/\xff"`, "/srv/日本語")
	for range 5 {
		p.press("i", "left", "backspace", "x", "esc", "d", "left", "down")
	}
	p.press("/", "\xff", "backspace", "f", "f", "esc", "home", "down") // the second largest
	p.press("k", "i")
	p.sees("its name is not UTF-8")
	if len(p.choices.all) != 0 || p.line != nil {
		t.Error("what no declaration can name is kept or ignored")
	}
	p.press("d")
	p.sees("+is /srv/", "\uFFFD[2J")
	p.o.Diff = func(context.Context, string) (string, error) { return "", errors.New("open \x1b[2J:\n\tit is broken") }
	p.press("left", "d")
	p.sees("open \uFFFD[2J:", "it is broken")
}

// Ten thousand of everything: keys are answered by going through what is seen, and once through all.
func TestMany(t *testing.T) {
	var all []review.Change
	for i := range 10_000 {
		all = append(all, added(fmt.Sprintf("/etc/p%d/x", i), 1), added(fmt.Sprintf("/srv/one/%d", i), 1))
	}
	p := sit(t, 80, 24, all...)
	p.sees("would go: 20000 files")
	p.press("u") // each of the ten thousand in /srv/one
	p.sees("part", "as decided: 10000 files", "10000 changes")
	p.press("end", "k", "/", "p", "1", "2", "3", "enter", "k", "esc")
	p.sees("as decided: 9998 files")
	p.press("home", "n")
	p.sees("as decided: 19998 files", "10000 decisions taken back")
}

// What is decided about a directory, and what about things in it, never meet; the total follows.
func TestOneDecisionForOnePath(t *testing.T) {
	dir := review.Change{Path: "/srv/new", What: review.Added, Kind: review.Directory, Files: 2, Size: 30, Modified: 50}
	p := sit(t, 80, 24, dir, added("/srv/other", 5))
	p.press("enter")
	p.sees("What lies in /srv/new", "one", "two")
	p.press("down", "k")
	p.sees("> keep   added", "would go: 3 files, 35 B; as decided: 2 files, 15 B")
	p.press("left")
	p.sees("> part")
	p.press("u")
	p.sees("> undo", "in place of 1 decision about what lies in it", "as decided: 1 file, 5 B")
	p.press("enter", "k")
	p.sees("it lies in /srv/new, of which you said undo", "> undo")
	p.press("i", "enter")
	p.sees("it lies in /srv/new, of which you said undo")
	p.press("esc", "n")
	p.sees("would go: 3 files, 35 B", "nothing is decided yet")
	p.press("i", "ctrl+u", "/", "s", "r", "v", "/", "*", "enter", "left")
	p.sees("> ignore", "as decided: 0 files, 0 B", "ignored 3")
	p.press("k")
	p.sees("> keep", "kept 2, put back 0, ignored 1")
	p.press("K", "backspace", "backspace", "backspace", "backspace", "enter")
	p.sees("as decided: 0 files", "kept 3", "keep with /srv")
	p.press("n")
	p.sees("ignored 3")
}

func TestPreset(t *testing.T) {
	p := sit(t, 80, 24, added("/var/lib/bluetooth/a", 1), added("/var/lib/bluetooth/b", 1), added("/etc/bluetooth/main.conf", 1), added("/srv/x", 1))
	p.press("k")
	p.sees("> preset", "the preset bluetooth keeps it", "as decided: 1 file")
	p.press("enter", "k")
	p.sees("it lies in /var/lib/bluetooth, of which you said preset")
	p.press("left", "c")
	p.sees("keep    with the preset bluetooth: /var/lib/bluetooth, /etc/bluetooth")
	p.press("n", "k")
	p.sees("> keep", "as decided: 2 files")
	p.press("k")
	p.sees("> preset", "as decided: 1 file")
}

// What belongs to a package lies in many places. It is one line, which no path stands for.
func TestPackage(t *testing.T) {
	p := sit(t, 80, 24, added("/usr/bin/hello", 10), added("/usr/share/hello", 20), added("/usr/lib/hello", 20), added("/etc/hello.conf", 1), added("/srv/x", 1))
	p.press("/", "h", "e", "l", "l", "o", "enter")
	p.sees("> ", "package hello", "fits 'anicca base new'")
	for _, k := range []string{"k", "K", "i", "u"} {
		p.press(k)
		p.sees("'anicca base new' keeps all of them")
	}
	if len(p.choices.all) > 0 {
		t.Errorf("decided: %+v", p.choices.all)
	}
	p.press("d")
	p.sees("4 changes in package hello", "/etc/hello.conf", "/usr/bin/hello", "/usr/lib/hello", "/usr/share/hello")
	p.press("u", "left", "esc", "end")
	p.press("/", "ctrl+u", "s", "r", "v", "enter", "k", "/", "ctrl+u", "p", "a", "c", "k", "enter")
	p.sees("> part")
	p.press("n")
	if all := p.choices.decisions(); len(all) != 1 || all[0].Path != "/srv/x" {
		t.Errorf("of the package nothing is decided any more, and all else stays: %+v", all)
	}
}

// Yes is not taken before it is known that it can be done.
func TestRefused(t *testing.T) {
	p := sit(t, 80, 24, added("/srv/a", 7))
	p.o.Check = func(_ context.Context, all []Decision) error {
		return errors.New("/srv/a is wrong\n\tthat is\x1b[2J why")
	}
	_, _ = p.Update(tea.KeyPressMsg{Code: 'k', Text: "k"})
	_, cmd := p.Update(tea.KeyPressMsg{Code: 'c', Text: "c"})
	p.sees("reading whether that can be done")
	if p.press("y") {
		t.Error("yes is taken before it is known")
	}
	p.Update(cmd())
	p.sees("/srv/a is wrong")
	p.fits()
	if p.press("y") || p.agreed {
		t.Error("what is refused is done")
	}
}

// What is read too late is not shown over what is looked at since.
func TestLate(t *testing.T) {
	p := sit(t, 80, 24, added("/srv/a", 7), added("/srv/b", 7))
	_, cmd := p.Update(tea.KeyPressMsg{Code: 'd', Text: "d"})
	p.sees("reading /srv/a")
	p.press("?")
	p.Update(cmd())
	p.sees("Go through the list")
	p.look.end()
	_, cmd = p.Update(tea.KeyPressMsg{Code: 'd', Text: "d"})
	if cmd != nil {
		t.Error("the help asks for a difference")
	}
}

// A pattern is taken only if it is one, and if it is about what it was asked for.
func TestPatterns(t *testing.T) {
	p := sit(t, 80, 24, added("/home/bird/[x]*.tmp", 7), added("/srv/b", 7))
	for _, bad := range []string{"x", "/**", "/srv/[", "/srv/b"} {
		p.press("i", "ctrl+u")
		p.press(strings.Split(bad, "")...)
		p.press("enter")
		if p.line == nil || len(p.choices.all) > 0 {
			t.Fatalf("%q is taken", bad)
		}
		p.press("esc")
	}
	p.press("i", "enter")
	if d := p.choices.decisions(); len(d) != 1 || d[0].Pattern != `/home/bird/\[x\]\*.tmp` {
		t.Errorf("%+v", d)
	}
	p.press("i", "ctrl+u", "~", "/", "*", ".", "t", "m", "p", "enter")
	if p.press("c", "y"); len(p.Decided()) != 2 {
		t.Errorf("%+v", p.Decided())
	}
}

func TestWithoutColour(t *testing.T) {
	p := sit(t, 80, 24, added("/srv/a", 7))
	p.o.Colour = false
	p.press("d")
	if strings.Contains(p.View().Content, "\x1b[3") {
		t.Errorf("%q", p.View().Content)
	}
	p.sees("-was", "+is")
}

// Whatever is pressed: the screen fits, no decision is about what another one is about, and nothing is counted twice or not at all.
func TestAnyKeys(t *testing.T) {
	whole := func(p string, files int) review.Change {
		return review.Change{Path: p, What: review.Added, Kind: review.Directory, Files: files, Size: 30, Modified: 50}
	}
	gone := added("/srv/many/gone", 3)
	gone.What = review.Deleted
	all := []review.Change{
		whole("/srv/new", 2), whole("/home/bird/src", 2), added("/srv/many/1", 1), added("/srv/many/2", 2), added("/srv/many/3/x", 3), gone,
		added("/var/lib/bluetooth/a", 1), added("/var/lib/bluetooth/b", 1), added("/etc/bluetooth/x", 1), added("/etc/\n", 1), added("/etc/\xff", 1),
		added("/usr/bin/hello", 10), added("/usr/share/hello", 20), added("/usr/lib/hello", 20), added("/etc/hello.conf", 1),
	}
	keys := []string{
		"k", "k", "K", "i", "u", "u", "n", "d", "enter", "enter", "left", "esc", "down", "down", "down", "up", "end", "home", "pgdown", "/", "c", "n", "space",
		"q", "?", "*", "s", "backspace", "ctrl+u", "ctrl+c",
	}
	rapid.Check(t, func(r *rapid.T) {
		p := sit(r, rapid.IntRange(1, 90).Draw(r, "width"), rapid.IntRange(1, 30).Draw(r, "height"), all...)
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(keys), 1, 80).Draw(r, "keys") {
			if p.press(k) {
				break
			}
			s := p.sum
			var parts amount
			for _, a := range []amount{s.left, s.kept, s.undone, s.ignored} {
				parts.add(a.files, a.size)
			}
			if parts != s.all || min(s.left.files, s.kept.files, s.undone.files, s.ignored.files) < 0 {
				r.Fatalf("after %s: %+v", k, s)
			}
			for _, x := range p.choices.all {
				for _, q := range x.paths {
					if p.choices.at[q] != x || len(p.choices.within(q)) > 0 || p.choices.over(q) != x {
						r.Fatalf("after %s: %s is not decided on by one", k, q)
					}
				}
			}
		}
		if p.Decided() != nil {
			r.Fatalf("nobody said yes to %+v", p.Decided())
		}
	})
}
