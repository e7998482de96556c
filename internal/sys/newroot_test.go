package sys_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// A move to another root, in a process of its own: mounts are carried along, the new root is not carried into itself,
// and the old root is let go of.
func TestChangeRoot(t *testing.T) {
	nstest.Need(t)
	if dir := os.Getenv("ANICCA_TEST_NEW_ROOT"); dir != "" {
		move(t, dir)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestChangeRoot$", "-test.v")
	cmd.Env = append(os.Environ(), "ANICCA_TEST_NEW_ROOT="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestChangeRoot") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func move(t *testing.T, dir string) {
	must(t, sys.MakePrivate()) // as the first process does before
	run, inside := dir+"/run", dir+"/run/inside"
	must(t, os.Mkdir(run, 0o755))
	must(t, unix.Mount("run", run, "tmpfs", 0, ""))
	write(t, run+"/file", "carried", 0o644)
	must(t, os.Mkdir(run+"/below", 0o755))
	must(t, unix.Mount("below", run+"/below", "tmpfs", 0, ""))
	write(t, run+"/below/file", "too", 0o644)
	must(t, os.Mkdir(inside, 0o755))
	must(t, unix.Mount("inside", inside, "tmpfs", 0, ""))
	must(t, os.MkdirAll(inside+run, 0o755))
	must(t, os.Mkdir(inside+"/sub", 0o755))
	must(t, unix.Mount("sub", inside+"/sub", "tmpfs", 0, ""))
	write(t, inside+"/sub/file", "stays", 0o644)

	must(t, sys.Carry(inside, []string{run}))
	for p, want := range map[string]string{run + "/file": "carried", run + "/below/file": "too", "/sub/file": "stays"} {
		if got := read(t, inside+p); got != want {
			t.Errorf("%s holds %q in the new root, want %q", p, got, want)
		}
	}
	if names, err := os.ReadDir(inside + inside); err != nil || len(names) != 0 {
		t.Errorf("the new root lies in itself: %v, %v", names, err)
	}
	if err := sys.Carry(inside, []string{"/proc"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("carried to where no directory is: %v", err)
	}

	must(t, sys.ChangeRoot(inside))
	if got := read(t, "/sub/file"); got != "stays" {
		t.Errorf("the root holds %q", got)
	}
	if at, err := os.Getwd(); err != nil || at != "/" {
		t.Errorf("the working directory is %q, %v", at, err)
	}
	if names, err := filepath.Glob("/*"); err != nil || len(names) != 2 {
		t.Errorf("the root has %q, %v", names, err)
	}
	for p, want := range map[string]bool{"/": true, "/sub": true, run: true, run + "/below": true, inside: false} {
		if got, err := sys.Mounted(p); err != nil || got != want {
			t.Errorf("%s is mounted: %v, %v", p, got, err)
		}
	}
	if err := sys.ChangeRoot("/sub/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("moved to a root that is not there: %v", err)
	}
}
