package config_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
	"golang.org/x/tools/txtar"

	"anicca/internal/config"
	"anicca/internal/decl"
)

// The schema is the manual: every field in it is explained.
func TestEveryFieldOfTheSchemaIsExplained(t *testing.T) {
	f, err := parser.ParseFile("schema.cue", config.Schema(), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	ast.Walk(f, func(n ast.Node) bool {
		d, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		name, _, err := ast.LabelName(d.Label)
		if err != nil || name == "" || name[0] == '#' && name != "#Host" {
			return true
		}
		fields++
		if len(ast.Comments(d)) == 0 || !ast.Comments(d)[0].Doc {
			t.Errorf("%s: %s has no comment", d.Pos(), name)
		}
		return true
	}, nil)
	if fields < 25 {
		t.Errorf("only %d fields were found", fields)
	}
}

// Every preset, and all of them together, must be a valid declaration.
func TestPresets(t *testing.T) {
	all := "persist: \"/persist\": use: {\n"
	for _, name := range config.Presets() {
		all += name + ": {}\n"
		t.Run(name, func(t *testing.T) {
			host, err := load(t, []txtar.File{{Name: "decl/a.cue", Data: []byte("persist: \"/persist\": use: " + name + ": {}\n")}})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(host.Stores[0].Entries, func(e decl.Entry) bool { return e.Preset == name }) {
				t.Error("brings no entry")
			}
		})
	}
	if _, err := load(t, []txtar.File{{Name: "decl/a.cue", Data: []byte(all + "}\n")}}); err != nil {
		t.Error(err)
	}
}

// The first declaration that a reader copies must be valid.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```cue\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("no declaration in README.md")
	}
	host, err := load(t, []txtar.File{{Name: "decl/host.cue", Data: []byte(example)}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(host.Stores[0].Entries); n < 10 {
		t.Errorf("only %d entries", n)
	}
}

// What init writes must be valid and keep what it says.
func TestStarter(t *testing.T) {
	text := config.Starter(config.StarterFacts{
		Host: "nest", Backend: "btrfs", Store: "/persist",
		Dirs:  []config.StarterEntry{{Path: "/home", Comment: "All of every home."}, {Path: "/etc/anicca", Comment: "This."}},
		Files: []config.StarterEntry{{Path: "/etc/machine-id", Comment: "Who this machine is."}},
	})
	host, err := load(t, []txtar.File{{Name: "decl/host.cue", Data: []byte(text)}})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var got []string
	for _, e := range host.Stores[0].Entries {
		got = append(got, e.Path+" "+string(e.Method))
	}
	if want := []string{"/etc/anicca bind", "/etc/machine-id copy", "/home bind"}; !slices.Equal(got, want) {
		t.Errorf("keeps %v, want %v", got, want)
	}
	if host.Root.Reset != decl.ResetObserve {
		t.Errorf("reset is %q", host.Root.Reset)
	}
}
