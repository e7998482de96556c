// Package golden runs tests whose input and expected answer stand on one page, as a txtar archive.
package golden

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// Run gives every archive of testdata, without its answers, to f, and compares what f answers with the files
// of those names in the archive. With -update it rewrites them.
func Run(t *testing.T, f func(t *testing.T, a *txtar.Archive) (answers map[string]string)) {
	t.Helper()
	RunIn(t, "testdata", f)
}

// RunIn is [Run] with the archives of another directory.
func RunIn(t *testing.T, dir string, f func(t *testing.T, a *txtar.Archive) (answers map[string]string)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no archives in "+dir, err)
	}
	for _, p := range paths {
		p, err := filepath.Abs(p) // f may change directory
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(p)
			if err != nil {
				t.Fatal(err)
			}
			got := f(t, a)
			if *update {
				rewrite(t, p, a, got)
				return
			}
			for name, text := range got {
				if d := cmp.Diff(Content(a, name), text); d != "" {
					t.Errorf("%s: -want +got (go test -update rewrites it):\n%s", name, d)
				}
			}
		})
	}
}

func rewrite(t *testing.T, p string, a *txtar.Archive, answers map[string]string) {
	t.Helper()
	out := txtar.Archive{Comment: a.Comment}
	for _, f := range a.Files {
		if _, ok := answers[f.Name]; !ok {
			out.Files = append(out.Files, f)
		}
	}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(answers))) { // plan.txt before plan.json: people read on
		out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(answers[name])})
	}
	if err := os.WriteFile(p, txtar.Format(&out), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Content returns the text of a file of the archive, "" if there is none.
func Content(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// FS is the machine that the archive's files below prefix describe:
// "dir/" is an empty directory there, "link -> target" a symbolic link, and "name (0750 110:118)" has this mode and owner.
func FS(a *txtar.Archive, prefix string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, f := range a.Files {
		name, ok := strings.CutPrefix(f.Name, prefix)
		if !ok {
			continue
		}
		name, perm, _ := strings.Cut(name, " (")
		link, target, isLink := strings.Cut(name, " -> ")
		switch {
		case isLink:
			m[link] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		case strings.HasSuffix(name, "/"):
			m[strings.TrimSuffix(name, "/")] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		default:
			m[name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
		if perm != "" {
			give(m[strings.TrimSuffix(name, "/")], perm)
		}
	}
	return m
}

// give gives a file the mode and the owner that are written as "0750 110:118)".
func give(f *fstest.MapFile, perm string) {
	var mode uint32
	var s syscall.Stat_t
	if _, err := fmt.Sscanf(perm, "%o %d:%d)", &mode, &s.Uid, &s.Gid); err != nil {
		panic("owner and mode in an archive: " + err.Error())
	}
	f.Mode = f.Mode.Type() | fs.FileMode(mode&0o777)
	if mode&0o1000 != 0 {
		f.Mode |= fs.ModeSticky
	}
	f.Sys = &s
}
