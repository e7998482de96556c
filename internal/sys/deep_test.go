package sys_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/sys"
)

// deep makes directories in one another in dir, so many that no path reaches the last, with a file at the end that has a
// second name at the top.
func deep(t *testing.T, dir string, levels int) {
	t.Helper()
	write(t, filepath.Join(dir, "file"), "deep down", 0o644)
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	must(t, err)
	top := fd
	for range levels {
		must(t, unix.Mkdirat(fd, "a-directory", 0o755))
		next, err := unix.Openat(fd, "a-directory", unix.O_PATH|unix.O_DIRECTORY, 0)
		must(t, err)
		if fd != top {
			must(t, unix.Close(fd))
		}
		fd = next
	}
	must(t, unix.Linkat(top, "file", fd, "file", 0))
	must(t, unix.Close(fd))
	must(t, unix.Close(top))
}

func TestDirectoriesDeeperThanAnyPath(t *testing.T) {
	const levels = 1000 // of 12 bytes each
	d, dir := tree(t)
	must(t, os.Mkdir(filepath.Join(dir, "from"), 0o755))
	deep(t, filepath.Join(dir, "from"), levels)

	must(t, sys.Copy(d, "from", d, "to"))
	last := "to" + strings.Repeat("/a-directory", levels) + "/file"
	got, err := d.ReadFile(last)
	if err != nil || string(got) != "deep down" {
		t.Errorf("the copy of the last file: %q, %v", got, err)
	}
	if s, err := d.Stat(last); err != nil || s.Nlink != 2 {
		t.Errorf("the last file has %d names, %v", s.Nlink, err)
	}

	// There are not as many descriptors as there are directories.
	var was unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &was))
	few := unix.Rlimit{Cur: 200, Max: was.Max}
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	defer func() { must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &was)) }()
	for _, p := range []string{"from", "to"} {
		if err := d.RemoveTree(p); err != nil {
			t.Errorf("remove %s: %.300v", p, err)
		}
	}
	if names, err := d.List("."); err != nil || len(names) > 0 {
		t.Errorf("left: %v, %v", names, err)
	}
}
