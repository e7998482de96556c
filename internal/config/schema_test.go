package config_test

import (
	"fmt"
	"os"
	"path/filepath"
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

// So must every one of the guide, and its index has a line for every page.
func TestGuide(t *testing.T) {
	pages, err := filepath.Glob("../../docs/guide/*.md")
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile("../../docs/guide/README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(string(index), "("+name+")") {
			t.Errorf("docs/guide/README.md has no line for %s", name)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(text), "```cue\n")[1:] {
			found++
			example, _, _ := strings.Cut(block, "```")
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(page), i+1), func(t *testing.T) {
				if _, err := load(t, []txtar.File{{Name: "decl/host.cue", Data: []byte(example)}}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if found == 0 {
		t.Error("no declaration in docs/guide")
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
