package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"anicca/internal/config"
	"anicca/internal/decl"
)

// field is a field of a declaration that is written in a random layout.
type field struct {
	name string
	list []field // empty for a leaf
	leaf string
}

func drawField(t *rapid.T, f field, indent string, inline bool) string {
	if len(f.list) == 0 && f.leaf != "" {
		return f.name + ": " + f.leaf
	}
	if len(f.list) == 1 && rapid.Bool().Draw(t, "short") {
		return f.name + ": " + drawField(t, f.list[0], indent, inline)
	}
	if inline || rapid.IntRange(0, 3).Draw(t, "one line") == 0 {
		var all []string
		for _, x := range f.list {
			all = append(all, drawField(t, x, "", true))
		}
		return f.name + ": {" + strings.Join(all, ", ") + "}"
	}
	return f.name + ": {\n" + drawLines(t, f.list, indent+"\t") + indent + "}"
}

// drawLines writes fields below each other, with what people put between them.
func drawLines(t *rapid.T, list []field, indent string) string {
	var b strings.Builder
	for i, x := range list {
		if rapid.IntRange(0, 3).Draw(t, "comment") == 0 {
			fmt.Fprintf(&b, "%s// about %d\n", indent, i)
		}
		b.WriteString(indent + drawField(t, x, indent, false))
		b.WriteString(rapid.SampledFrom([]string{"", "", ",", " // {tail", ", // tail }"}).Draw(t, "tail") + "\n")
		if rapid.IntRange(0, 3).Draw(t, "blank") == 0 {
			b.WriteString("\n")
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "end") == 0 {
		fmt.Fprintf(&b, "%s// the end\n", indent)
	}
	return b.String()
}

// drawDeclaration is a random declaration in a random layout.
func drawDeclaration(t *rapid.T) string {
	some := func(names ...string) []field {
		var out []field
		for _, n := range names {
			if rapid.Bool().Draw(t, n) {
				leaf := rapid.SampledFrom([]string{"{}", "{parentDirectory: mode: \"0700\"}", "parentDirectory: mode: \"0700\""}).Draw(t, "options of "+n)
				out = append(out, field{name: n, leaf: leaf})
			}
		}
		return out
	}
	sets := func(dirs, files []field) (out []field) {
		for _, x := range []field{{name: "directories", list: dirs}, {name: "files", list: files}} {
			if len(x.list) > 0 || rapid.IntRange(0, 2).Draw(t, "empty "+x.name) == 0 {
				out = append(out, x)
			}
		}
		return out
	}
	store := sets(some(`"/srv/a"`, `"/srv/b"`), some(`"/etc/a"`, `"/etc/b"`))
	home := sets(some(`Documents`, `".ssh"`), some(`".profile"`))
	if len(home) > 0 {
		store = append(store, field{name: "users", list: []field{{name: "bird", list: home}}})
	}
	store = append(store, field{name: "use", list: []field{{name: "base", leaf: "{}"}}})
	return drawLines(t, []field{{name: "root", list: []field{{name: "reset", leaf: `"on"`}}}, {name: "persist", list: []field{{name: `"/persist"`, list: store}}}}, "")
}

// Whatever the layout is: keeping only adds text at one place, what was declared stays so, and forgetting gives the same
// declaration again.
func TestEveryLayout(t *testing.T) {
	acc := people(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a.cue")
	o := config.Options{Dir: dir, Host: "nest", Accounts: acc}
	write := func(t *rapid.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := drawDeclaration(t)
		write(t, text)
		before, err := config.Load(o)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		w := rapid.SampledFrom([]config.Wish{
			{Path: "/srv/new", Kind: decl.Directory},
			{Path: "/etc/new", Kind: decl.File},
			{Path: "/home/bird/new", Kind: decl.Directory},
			{Path: "/home/bird/.new", Kind: decl.File},
			{Path: "/home/bird/for", Kind: decl.File},
			{Path: "/home/fish/x", Kind: decl.File},
			{Path: "/srv/fish/x", Kind: decl.Directory},
		}).Draw(t, "wish")
		w.Store = "/persist"
		e, err := config.Keep(o, []config.Wish{w})
		if err != nil || len(e.Files) != 1 {
			t.Fatalf("%v\n%s", err, text)
		}
		kept := string(e.Files[0].New)
		if !oneInsertion(text, kept) {
			t.Fatalf("more than one place was changed:\n%s\n---\n%s", text, kept)
		}
		now := e.Host
		write(t, kept)
		if n := len(before.Stores[0].Entries); len(now.Stores[0].Entries) != n+1 {
			t.Fatalf("%d entries, then %d:\n%s", n, len(now.Stores[0].Entries), kept)
		}
		if e, err = config.Forget(o, []decl.Entry{named(now, w.Path)}); err != nil || len(e.Files) != 1 {
			t.Fatalf("%v\n%s", err, kept)
		}
		if again := e.Host; len(again.Stores[0].Entries) != len(before.Stores[0].Entries) {
			t.Fatalf("it is not what it was:\n%s\n---\n%s", kept, e.Files[0].New)
		}
		for line := range strings.Lines(text) {
			if c := strings.TrimSpace(line); strings.HasPrefix(c, "// about") && !strings.Contains(string(e.Files[0].New), c) {
				t.Fatalf("a comment is lost:\n%s\n---\n%s", text, e.Files[0].New)
			}
		}
	})
}

// Forgetting what somebody has written takes text away at one place, and nothing else with it.
func TestEveryLayoutForgets(t *testing.T) {
	o := config.Options{Dir: t.TempDir(), Host: "nest", Accounts: people(t)}
	file := filepath.Join(o.Dir, "a.cue")
	rapid.Check(t, func(t *rapid.T) {
		text := drawDeclaration(t)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		host, err := config.Load(o)
		if err != nil {
			t.Fatal(err)
		}
		own := slices.DeleteFunc(slices.Clone(host.Stores[0].Entries), func(e decl.Entry) bool { return e.Preset != "" })
		if len(own) == 0 {
			t.Skip("nothing to forget")
		}
		gone := rapid.SampledFrom(own).Draw(t, "entry")
		e, err := config.Forget(o, []decl.Entry{gone})
		if err != nil || len(e.Files) != 1 {
			t.Fatalf("%v\n%s", err, text)
		}
		if !oneInsertion(string(e.Files[0].New), text) {
			t.Fatalf("more than one place was changed:\n%s\n---\n%s", text, e.Files[0].New)
		}
		if named(e.Host, gone.Path).Path != "" || len(e.Host.Stores[0].Entries) != len(host.Stores[0].Entries)-1 {
			t.Fatalf("%s:\n%s\n---\n%s", gone.Path, text, e.Files[0].New)
		}
	})
}

func named(host *decl.Host, p string) decl.Entry {
	for _, e := range host.Stores[0].Entries {
		if e.Path == p {
			return e
		}
	}
	return decl.Entry{}
}

// oneInsertion reports whether b is a with one piece of text added.
func oneInsertion(a, b string) bool {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return len(b) > len(a) && strings.HasSuffix(b, a[n:])
}
