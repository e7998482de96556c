package sys_test

import (
	"io/fs"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// A tree that is read as a file system leads nowhere else, and nobody can make its reader wait.
func TestTreeAsFileSystem(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	write(t, dir+"/d/f", "text", 0o644)
	must(t, unix.Chmod(dir+"/d/f", 0o4711))
	must(t, os.Symlink("/etc", dir+"/out"))
	must(t, os.Symlink(dir+"/d/f", dir+"/d/link"))
	must(t, unix.Mkfifo(dir+"/d/fifo", 0o644))
	fsys := in.FS()
	if b, err := fs.ReadFile(fsys, "d/f"); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	i, err := fs.Lstat(fsys, "d/f")
	must(t, err)
	want, _ := lstat(t, dir+"/d/f")
	if i.Mode() != want.Mode() || i.Size() != want.Size() || !i.ModTime().Equal(want.ModTime()) || i.Name() != "f" {
		t.Errorf("%v %v, want %v", i.Name(), i.Mode(), want.Mode())
	}
	names, err := fs.ReadDir(fsys, "d")
	if err != nil || len(names) != 3 {
		t.Errorf("%v, %v", names, err)
	}
	if to, err := fs.ReadLink(fsys, "d/link"); err != nil || to != dir+"/d/f" {
		t.Errorf("%q, %v", to, err)
	}
	for _, p := range []string{"out/passwd", "d/link"} {
		if _, err := fs.ReadFile(fsys, p); !sys.IsLoop(err) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if b, err := fs.ReadFile(fsys, "d/fifo"); err != nil || len(b) > 0 { // without a writer, it ends at once
		t.Errorf("fifo: %q, %v", b, err)
	}
}
