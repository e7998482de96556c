package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/golden"
)

// accounts are those of the machine that all declarations in testdata are for, with the files of machine/ in its root.
func accounts(t testing.TB, files []txtar.File) *facts.Accounts {
	t.Helper()
	root := golden.FS(&txtar.Archive{Files: files}, "machine/")
	maps.Copy(root, fstest.MapFS{
		"etc/passwd": {Data: []byte(`root:x:0:0::/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
colord:x:110:118::/var/lib/colord:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
bird:x:1000:1000::/home/bird:/bin/bash
app:x:990:990::/var/lib/app:/usr/sbin/nologin
fish:x:1001:1001::/srv/fish:/bin/bash
`)},
		"etc/group": {Data: []byte("root:x:0:\ncolord:x:118:\nbird:x:1000:\nfish:x:1001:\napp:x:990:\n")},
	})
	a, err := facts.ReadAccounts(root)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// load loads the files of an archive as a declaration, from a relative path, so that positions are the same everywhere.
func load(t testing.TB, files []txtar.File) (*decl.Host, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range files {
		if f.Name == "want" || strings.HasPrefix(f.Name, "machine/") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return config.Load(config.Options{Dir: "decl", Host: "nest", Accounts: accounts(t, files), Keep: "/etc/anicca"})
}

// Each archive in testdata is one declaration in decl/, and what comes of it:
// the host as JSON, or every problem as the user sees it.
func TestDeclarations(t *testing.T) {
	golden.Run(t, func(t *testing.T, a *txtar.Archive) map[string]string {
		host, err := load(t, a.Files)
		return map[string]string{"want": answer(t, host, err)}
	})
}

func answer(t *testing.T, host *decl.Host, err error) string {
	t.Helper()
	if err != nil {
		if _, ok := errors.AsType[decl.Problems](err); !ok {
			t.Fatalf("not a problem of the declaration: %v", err)
		}
		return err.Error() + "\n"
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(host); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every problem must say where; a user cannot act on less.
func TestProblemsHavePlaces(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		a, err := txtar.ParseFile(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(p), func(t *testing.T) {
			_, err := load(t, a.Files)
			problems, _ := errors.AsType[decl.Problems](err)
			for _, q := range problems {
				if !q.Pos.IsValid() || strings.HasSuffix(q.Pos.File, "schema.cue") || q.Pos.File == "prelude" {
					t.Errorf("%q is said of %s", q.Msg, q.Pos)
				}
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, p := range paths {
		if a, err := txtar.ParseFile(p); err == nil && len(a.Files) > 0 {
			f.Add(string(a.Files[0].Data))
		}
	}
	acc := accounts(f, nil)
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.cue"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		host, err := config.Load(config.Options{Dir: dir, Host: "nest", Accounts: acc})
		if err != nil {
			return
		}
		for _, s := range host.Stores {
			for _, e := range s.Entries {
				if !filepath.IsAbs(e.Path) || filepath.Clean(e.Path) != e.Path || strings.HasPrefix(e.Path+"/", s.Path+"/") {
					t.Errorf("an accepted path is not clean: %q in %q", e.Path, s.Path)
				}
			}
		}
	})
}
