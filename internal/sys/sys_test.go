package sys_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	if os.Getenv(holdEnv) != "" {
		holdAccounts()
		return
	}
	nstest.Enter()
	os.Exit(m.Run())
}

// tree is a new directory, as a tree and as a path.
func tree(t *testing.T) (*sys.Tree, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := sys.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, p, text string, mode os.FileMode) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(t, os.WriteFile(p, []byte(text), 0o600))
	must(t, os.Chmod(p, mode))
}

func read(t *testing.T, p string) string {
	t.Helper()
	b, err := os.ReadFile(p)
	must(t, err)
	return string(b)
}

// givers makes directories that give what is made in them more, or less, than a plain one does.
func givers(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{"plain", "setgid", "shared", "list"}
	for _, name := range names {
		must(t, os.Mkdir(dir+"/"+name, 0o755))
	}
	must(t, unix.Chmod(dir+"/setgid", 0o2755))
	must(t, unix.Chmod(dir+"/shared", 0o777))
	must(t, unix.Setxattr(dir+"/list", "system.posix_acl_default", nstest.ACL, 0))
	return names
}

func lstat(t *testing.T, p string) (fs.FileInfo, *syscall.Stat_t) {
	t.Helper()
	i, err := os.Lstat(p)
	must(t, err)
	return i, i.Sys().(*syscall.Stat_t)
}

// Nobody can lead an operation out of its tree by a link, wherever in a path it lies.
func TestNoLinkIsFollowed(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	outside := t.TempDir()
	write(t, outside+"/secret", "secret", 0o600)
	must(t, os.Symlink(outside, dir+"/link"))
	must(t, os.Symlink("../../../../../../etc", dir+"/up"))
	write(t, dir+"/mine", "mine", 0o644)
	for what, do := range map[string]func() error{
		"write":    func() error { return in.WriteFile("link/new", []byte("x"), sys.Perm{Mode: 0o644}) },
		"mkdir":    func() error { return in.Mkdir("link/new", sys.Perm{Mode: 0o755}) },
		"mkdirall": func() error { return in.MkdirAll("link/a/b", func(string) sys.Perm { return sys.Perm{Mode: 0o755} }) },
		"symlink":  func() error { return in.Symlink("x", "link/new") },
		"read":     func() error { _, err := in.ReadFile("link/secret"); return err },
		"passwd":   func() error { _, err := in.ReadFile("up/passwd"); return err },
		"copy out": func() error { return sys.Copy(in, "mine", in, "link/new") },
		"copy in":  func() error { return sys.Copy(in, "link/secret", in, "stolen") },
		"rename":   func() error { return in.Rename("mine", "link/new") },
		"remove":   func() error { return in.Remove("link/secret") },
		"bind":     func() error { return sys.Bind(in, "mine", in, "link/secret", nil) },
		"mount":    func() error { return in.Mount("x", "link", "tmpfs", nil, "") },
	} {
		if err := do(); err == nil {
			t.Errorf("%s went through a link", what)
		}
	}
	must(t, in.WriteFile("../../new", []byte("x"), sys.Perm{Mode: 0o644})) // the tree is its own root
	if read(t, dir+"/new") != "x" {
		t.Error(".. led out of the tree")
	}
	entries, err := os.ReadDir(outside)
	must(t, err)
	if len(entries) != 1 || read(t, outside+"/secret") != "secret" {
		t.Errorf("outside of the tree: %v", entries)
	}
}

func TestCreateFileReplacesNothing(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	write(t, dir+"/f", "precious", 0o600)
	if err := in.CreateFile("f", sys.Perm{Mode: 0o644}); !errors.Is(err, fs.ErrExist) || read(t, dir+"/f") != "precious" {
		t.Errorf("%v, %q", err, read(t, dir+"/f"))
	}
	must(t, in.CreateFile("g", sys.Perm{Mode: 0o604}))
	if i, _ := lstat(t, dir+"/g"); i.Mode() != 0o604 || i.Size() != 0 {
		t.Errorf("%v, %d bytes", i.Mode(), i.Size())
	}
}

func TestWriteFileReplacesWhole(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	write(t, dir+"/f", "old", 0o600)
	open, err := os.Open(dir + "/f")
	must(t, err)
	defer open.Close()
	must(t, in.WriteFile("f", []byte("new"), sys.Perm{Mode: 0o640}))
	if i, _ := lstat(t, dir+"/f"); read(t, dir+"/f") != "new" || i.Mode() != 0o640 {
		t.Errorf("%q %v", read(t, dir+"/f"), i.Mode())
	}
	old := make([]byte, 10)
	if n, _ := open.Read(old); string(old[:n]) != "old" {
		t.Error("a reader of the old file saw half of the new one")
	}
}
