package config_test

import (
	"errors"
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

// Each archive in testdata/edit is a declaration, what shall be done to it as its comment, and what comes of it:
// every file that is changed, as it would be written, or the error.
func TestEdits(t *testing.T) {
	golden.RunIn(t, "testdata/edit", func(t *testing.T, a *txtar.Archive) map[string]string {
		_, err := load(t, without(a.Files, "want"))
		if err != nil {
			t.Fatalf("the declaration is wrong before the edit: %v", err)
		}
		e, err := edit(t, string(a.Comment))
		if err != nil {
			return map[string]string{"want": err.Error() + "\n"}
		}
		out := map[string]string{}
		for _, f := range e.Files {
			disk, err := os.ReadFile(f.Path)
			if err != nil || string(disk) != string(f.Old) {
				t.Errorf("%s is not what was read, or was written: %v", f.Path, err)
			}
			out["want/"+f.Path] = string(f.New)
		}
		if len(out) == 0 {
			out["want"] = "nothing to write\n"
		}
		return out
	})
}

// people are the accounts of the machine that is edited for.
func people(t testing.TB) *facts.Accounts {
	t.Helper()
	a, err := facts.ReadAccounts(fstest.MapFS{
		"etc/passwd": {Data: []byte("root:x:0:0::/root:/bin/bash\nbird:x:1000:1000::/home/bird:/bin/bash\nfish:x:1001:1001::/srv/fish:/bin/bash\n")},
		"etc/group":  {Data: []byte("root:x:0:\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func without(files []txtar.File, prefix string) []txtar.File {
	var out []txtar.File
	for _, f := range files {
		if !strings.HasPrefix(f.Name, prefix) {
			out = append(out, f)
		}
	}
	return out
}

// edit does what the comment of an archive says: lines "keep directory PATH", "keep file PATH", "use PRESET [USER]", "ignore PATTERN",
// or "forget PATH".
func edit(t *testing.T, comment string) (*config.Edit, error) {
	t.Helper()
	o := config.Options{Dir: "decl", Host: "nest", Accounts: people(t), Keep: "/etc/anicca"}
	var wishes []config.Wish
	var entries []decl.Entry
	var ignore []string
	for line := range strings.Lines(comment) {
		f := strings.Fields(line)
		switch {
		case len(f) == 3 && f[0] == "keep":
			wishes = append(wishes, config.Wish{Path: f[2], Kind: decl.Kind(f[1]), Store: "/persist"})
		case len(f) > 1 && f[0] == "use":
			wishes = append(wishes, config.Wish{Preset: f[1], Home: strings.Join(f[2:], ""), Store: "/persist"})
		case len(f) == 2 && f[0] == "ignore":
			ignore = append(ignore, f[1])
		case len(f) == 2 && f[0] == "forget":
			entries = append(entries, entry(t, o, f[1]))
		case len(f) > 0 && f[0] == "link": // a file of the declaration is one
			if err := errors.Join(os.Rename(f[1], "elsewhere.cue"), os.Symlink(filepath.Join("..", "elsewhere.cue"), f[1])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(entries) > 0 {
		return config.Forget(o, entries)
	}
	return config.Keep(o, wishes, ignore...)
}

func entry(t *testing.T, o config.Options, p string) decl.Entry {
	t.Helper()
	host, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range host.Stores {
		for _, e := range s.Entries {
			if e.Path == p {
				return e
			}
		}
	}
	t.Fatalf("%s is not kept", p)
	return decl.Entry{}
}

// Whatever is kept is forgotten again without a trace, apart from the list that it may have begun.
func TestEditsAreUndone(t *testing.T) {
	const text = "// mine\npersist: \"/persist\": {\n\tdirectories: {\n\t\t// logs\n\t\t\"/var/log\":  {} // all of them\n\n\t\t\"/srv/a\": {mode: \"0700\"}\n\t}\n\tfiles: \"/etc/adjtime\": {}\n\tusers: bird: {directories: {Documents: {}, \".ssh\": mode: \"0700\"}}\n}\n"
	for _, w := range []config.Wish{
		{Path: "/srv/b", Kind: decl.Directory}, {Path: "/etc/hostname", Kind: decl.File}, {Path: "/home/bird/Music", Kind: decl.Directory},
	} {
		t.Run(w.Path, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := errors.Join(os.Mkdir("decl", 0o755), os.WriteFile("decl/a.cue", []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
			o := config.Options{Dir: "decl", Host: "nest", Accounts: people(t)}
			w.Store = "/persist"
			e, err := config.Keep(o, []config.Wish{w})
			if err != nil || len(e.Files) != 1 || string(e.Files[0].New) == text {
				t.Fatalf("%+v, %v", e, err)
			}
			if err := os.WriteFile("decl/a.cue", e.Files[0].New, 0o644); err != nil {
				t.Fatal(err)
			}
			e, err = config.Forget(o, []decl.Entry{entry(t, o, w.Path)})
			if err != nil || len(e.Files) != 1 || string(e.Files[0].New) != text {
				t.Errorf("%v:\n%s", err, e.Files[0].New)
			}
		})
	}
}
