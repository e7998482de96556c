package install

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// Each archive in testdata is a machine, and the answer: what init would do there, or why it refuses.
// "dir/" is an empty directory.
func TestMachines(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no machines in testdata", err)
	}
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(p)
			if err != nil {
				t.Fatal(err)
			}
			want, files := "", a.Files
			if n := len(files) - 1; files[n].Name == "answer" {
				want, files = string(files[n].Data), files[:n]
			}
			m := fstest.MapFS{}
			for _, f := range files {
				if name, ok := strings.CutSuffix(f.Name, "/"); ok {
					m[name] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
					continue
				}
				m[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
			got := answer(t, m)
			if *update {
				a.Files = append(files[:len(files):len(files)], txtar.File{Name: "answer", Data: []byte(got)})
				if err := os.WriteFile(p, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func answer(t *testing.T, m fs.FS) string {
	t.Helper()
	machine, err := Look(Source{FS: m, Kernel: "6.1.0-1-amd64", Hostname: "nest"})
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b bytes.Buffer
	if no := machine.Refusals(); len(no) > 0 {
		for _, r := range no {
			fmt.Fprintf(&b, "no: %s\n\t%s\n", r.Msg, r.Hint)
			if r.Hint == "" {
				t.Errorf("a refusal without advice: %s", r.Msg)
			}
		}
		return b.String()
	}
	starter := Starter(machine)
	for _, s := range Steps(machine, starter) {
		fmt.Fprintf(&b, "%s %s: %s\n", s.Kind, s.Path, s.Text)
		if s.Kind == Fstab {
			fmt.Fprintf(&b, "\t%s\n", s.Data)
		}
	}
	if len(machine.Declared) == 0 {
		fmt.Fprintf(&b, "\n%s", starter)
	}
	return b.String()
}

// The hooks come before the base: what the boot loader reads after a reset is the base's /boot.
func TestHooksComeBeforeTheBase(t *testing.T) {
	m := Machine{Generator: Dracut, Images: []Image{{Path: "/boot/initrd.img-1", Kernel: "1"}}, Store: "/persist"}
	at := map[Kind]int{}
	for i, s := range Steps(m, "") {
		at[s.Kind] = i
	}
	for _, k := range []Kind{Hook, Initrd, Ledger, Fstab, Declaration} {
		if at[k] >= at[Base] {
			t.Errorf("%s comes after the base", k)
		}
	}
	if at[Hook] > at[Initrd] {
		t.Error("the initrd is rebuilt before the hooks are there")
	}
}
