package screen

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"

	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/review"
)

// person drives a screen without a terminal.
type person struct {
	*Model
	t rapid.TB
}

// sit sits down in front of a review of changes, of which the preset bluetooth would keep some.
func sit(t rapid.TB, width, height int, changes ...review.Change) person {
	t.Helper()
	review.Sort(changes)
	scale := review.NewScale([]decl.Preset{{Name: "bluetooth", Entries: []decl.PresetEntry{
		{Path: "/var/lib/bluetooth", Kind: decl.Directory}, {Path: "/etc/bluetooth", Kind: decl.Directory},
	}}}, []decl.Account{{Name: "bird", UID: 1000, Home: "/home/bird"}})
	scale.Tell(review.Origins{Packages: map[string][]string{
		"/usr/bin/hello": {"hello"}, "/usr/share/hello": {"hello"}, "/usr/lib/hello": {"hello"}, "/etc/hello.conf": {"hello"},
	}, Pristine: map[string]int{"/etc/hello.conf": 1}})
	r := review.Make(1, changes, nil, scale, noise.New(nil, nil))
	p := person{New(context.Background(), Options{
		Review: r, Now: 100, Homes: []string{"/home/bird"}, Colour: true,
		Entries: func(u decl.Use) []string { return scale.Entries(u.Preset, u.Home) },
		Diff:    func(_ context.Context, p string) (string, error) { return "-was\n+is " + p + "\x1b[2J\t|\n", nil },
		List: func(_ context.Context, p string) ([]review.Change, error) {
			return []review.Change{added(p+"/one", 10), added(p+"/two", 20)}, nil
		},
	}), t}
	p.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return p
}

func added(p string, size int64) review.Change {
	return review.Change{Path: p, What: review.Added, Kind: review.File, Files: 1, Size: size, Modified: 50}
}

var special = map[string]tea.Key{
	"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "end": {Code: tea.KeyEnd},
	"home": {Code: tea.KeyHome}, "left": {Code: tea.KeyLeft}, "backspace": {Code: tea.KeyBackspace}, "pgdown": {Code: tea.KeyPgDown},
	"ctrl+c": {Code: 'c', Mod: tea.ModCtrl}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl}, "space": {Code: ' ', Text: " "},
}

// press presses keys, and waits for what they ask about. It reports whether the screen has ended.
func (p person) press(keys ...string) (ended bool) {
	p.t.Helper()
	for _, k := range keys {
		key, ok := special[k]
		if !ok {
			key = tea.Key{Code: []rune(k)[0], Text: k}
		}
		_, cmd := p.Update(tea.KeyPressMsg(key))
		p.fits()
		if cmd == nil {
			continue
		}
		msg := cmd()
		if _, quit := msg.(tea.QuitMsg); quit {
			return true
		}
		p.Update(msg)
		p.fits()
	}
	return false
}

// lines are what the screen shows, without colours.
func (p person) lines() []string {
	var out []string
	for l := range strings.SplitSeq(p.View().Content, "\n") {
		for _, how := range []string{bold, reverse, red, green, yellow, cyan, "0"} {
			l = strings.ReplaceAll(l, "\x1b["+how+"m", "")
		}
		out = append(out, strings.TrimRight(l, " "))
	}
	return out
}

// fits makes sure that the screen is as large as the terminal, and that there is nothing in it that a terminal would obey.
func (p person) fits() {
	p.t.Helper()
	all := p.lines()
	if len(all) != p.height {
		p.t.Fatalf("%d lines on %d:\n%s", len(all), p.height, strings.Join(all, "\n"))
	}
	for _, l := range all {
		if cells(l) > p.width {
			p.t.Fatalf("wider than %d: %q", p.width, l)
		}
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			p.t.Fatalf("a terminal would obey %q", l)
		}
	}
}

func (p person) sees(want ...string) {
	p.t.Helper()
	all := strings.Join(p.lines(), "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			p.t.Fatalf("%q is not seen:\n%s", w, all)
		}
	}
}
