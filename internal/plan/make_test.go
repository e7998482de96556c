package plan_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/plan"
	"anicca/internal/ui"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// Each archive in testdata is a machine (below m/), a wish (decl/), and the answer: plan.txt and plan.json.
//
// In the machine, "dir/" is an empty directory and "link -> target" a symbolic link.
func TestPlans(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no machines in testdata", err)
	}
	for _, p := range paths {
		p, err := filepath.Abs(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(p)
			if err != nil {
				t.Fatal(err)
			}
			got := plan.Make(wish(t, a))
			var text bytes.Buffer
			ui.Plan(&text, got)
			answers := map[string]string{"plan.txt": text.String(), "plan.json": indent(t, got)}
			if *update {
				rewrite(t, p, a, answers)
				return
			}
			for _, name := range []string{"plan.txt", "plan.json"} {
				if d := cmp.Diff(content(a, name), answers[name]); d != "" {
					t.Errorf("%s: -want +got:\n%s", name, d)
				}
			}
		})
	}
}

// wish evaluates the declaration of an archive and reads its machine.
func wish(t *testing.T, a *txtar.Archive) (*decl.Host, *facts.Facts) {
	t.Helper()
	m := machine(a)
	accounts, err := facts.ReadAccounts(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("decl", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("decl/host.cue", []byte(content(a, "decl/host.cue")), 0o644); err != nil {
		t.Fatal(err)
	}
	host, err := config.Load(config.Options{Dir: "decl", Host: "nest", Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	f, err := facts.Read(facts.Source{FS: m, Kernel: "6.1.0", Hostname: "nest"}, host)
	if err != nil {
		t.Fatal(err)
	}
	return host, f
}

const basic = `22 1 0:20 /@rootfs / rw,relatime shared:1 - btrfs /dev/sda1 rw
30 22 0:20 /@persist /persist rw,noatime shared:5 - btrfs /dev/sda1 rw
`

func machine(a *txtar.Archive) fstest.MapFS {
	m := fstest.MapFS{
		"proc/self/mountinfo": {Data: []byte(basic)},
		"etc/passwd":          {Data: []byte("root:x:0:0::/root:/bin/sh\ncolord:x:110:118::/var/lib/colord:/bin/false\nbird:x:1000:1001::/home/bird:/bin/sh\n")},
		"etc/group":           {Data: []byte("root:x:0:\ncolord:x:118:\nbird:x:1001:\n")},
		"persist":             {Mode: fs.ModeDir | 0o755},
	}
	for _, f := range a.Files {
		name, ok := strings.CutPrefix(f.Name, "m/")
		if !ok {
			continue
		}
		link, target, isLink := strings.Cut(name, " -> ")
		switch {
		case isLink:
			m[link] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		case strings.HasSuffix(name, "/"):
			m[strings.TrimSuffix(name, "/")] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		case name == "proc/self/mountinfo":
			m[name] = &fstest.MapFile{Data: append([]byte(basic), f.Data...)}
		default:
			m[name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
	}
	return m
}

func content(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func rewrite(t *testing.T, p string, a *txtar.Archive, answers map[string]string) {
	t.Helper()
	out := txtar.Archive{Comment: a.Comment}
	for _, f := range a.Files {
		if _, ok := answers[f.Name]; !ok {
			out.Files = append(out.Files, f)
		}
	}
	for _, name := range []string{"plan.txt", "plan.json"} {
		out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(answers[name])})
	}
	if err := os.WriteFile(p, txtar.Format(&out), 0o644); err != nil {
		t.Fatal(err)
	}
}

func indent(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data) + "\n"
}
