package sys_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

func TestTreeAsFS(t *testing.T) {
	d, dir := tree(t)
	write(t, filepath.Join(dir, "a/b"), "text", 0o644)
	must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	if err := fstest.TestFS(d.FS(), "a/b", "empty"); err != nil {
		t.Error(err)
	}
}

// A user can put a link or a pipe in the place of any file, and must neither be read elsewhere nor be waited for.
func TestTreeAsFSFollowsNoLink(t *testing.T) {
	d, dir := tree(t)
	write(t, filepath.Join(dir, "secret/file"), "text", 0o600)
	must(t, os.Symlink("secret", filepath.Join(dir, "link")))
	must(t, os.Symlink("secret/file", filepath.Join(dir, "last")))
	must(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	fsys := d.FS()
	for _, name := range []string{"link/file", "last"} {
		if data, err := fs.ReadFile(fsys, name); err == nil {
			t.Errorf("%s was followed: %q", name, data)
		}
	}
	if to, err := fs.ReadLink(fsys, "last"); err != nil || to != "secret/file" {
		t.Errorf("last is a link to %q, %v", to, err)
	}
	if data, err := fs.ReadFile(fsys, "pipe"); err == nil && len(data) > 0 {
		t.Errorf("the pipe held %q", data)
	}
}
