package sys_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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

// Whoever owns a directory can exchange it for a link at the very moment at which it is read.
func TestTreeAsFSInARace(t *testing.T) {
	d, dir := tree(t)
	write(t, filepath.Join(dir, "home/.config/file"), "own", 0o644)
	write(t, filepath.Join(dir, "secret/file"), "secret", 0o600)
	must(t, os.Symlink("../secret", filepath.Join(dir, "home/link")))
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, "home/.config"), unix.AT_FDCWD, filepath.Join(dir, "home/link"), unix.RENAME_EXCHANGE)
			}
		}
	}()
	own, refused := 0, 0
	for end := time.Now().Add(20 * time.Second); own+refused < 5000 || (own == 0 || refused == 0) && time.Now().Before(end); {
		data, err := fs.ReadFile(d.FS(), "home/.config/file")
		switch {
		case err != nil:
			refused++
		case string(data) == "own":
			own++
		default:
			t.Fatalf("read %q", data)
		}
	}
	close(done)
	<-stopped
	if own == 0 || refused == 0 {
		t.Errorf("the race was not run: read %d times, refused %d times", own, refused)
	}
}
