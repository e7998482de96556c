package sys_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/sys"
)

const holdEnv = "ANICCA_TEST_HOLD"

// holdAccounts is another program that changes accounts: it locks as lckpwdf does, and lets go when its input ends.
func holdAccounts() {
	fd, err := unix.Open(os.Getenv(holdEnv), unix.O_WRONLY|unix.O_CREAT, 0o600)
	if err == nil {
		err = unix.FcntlFlock(uintptr(fd), unix.F_SETLKW, &unix.Flock_t{Type: unix.F_WRLCK})
	}
	if err != nil {
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// Whoever changes accounts is waited for, and named where that takes too long; and waits for us.
func TestLockAccounts(t *testing.T) {
	dir := t.TempDir()
	tree, err := sys.OpenTree(dir)
	must(t, err)
	defer tree.Close()
	unlock, err := tree.LockAccounts(0)
	must(t, err) // there is no /etc
	unlock()
	must(t, os.Mkdir(filepath.Join(dir, "etc"), 0o755))
	at := filepath.Join(dir, "etc/.pwd.lock")

	self, err := os.Executable()
	must(t, err)
	other := exec.Command(self)
	other.Env = append(os.Environ(), holdEnv+"="+at)
	in, err := other.StdinPipe()
	must(t, err)
	out, err := other.StdoutPipe()
	must(t, err)
	must(t, other.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other program: %q, %v", line, err)
	}
	if _, err = tree.LockAccounts(0); err == nil || !strings.Contains(err.Error(), "is changing accounts") || !strings.Contains(err.Error(), "process") {
		t.Errorf("held by another: %v", err)
	}
	go in.Close()
	unlock, err = tree.LockAccounts(time.Minute)
	must(t, err)
	must(t, other.Wait())

	if _, err := tree.LockAccounts(0); err == nil {
		t.Error("taken twice")
	}
	fd, err := unix.Open(at, unix.O_WRONLY, 0)
	must(t, err)
	defer unix.Close(fd)
	if err := unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err == nil {
		t.Error("another program can change accounts meanwhile")
	}
	unlock()
	must(t, unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}))
	if s, err := os.Stat(at); err != nil || s.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", s.Mode(), err)
	}

	must(t, os.Remove(at))
	must(t, os.Symlink(filepath.Join(dir, "elsewhere"), at))
	if _, err := tree.LockAccounts(0); err == nil {
		t.Error("a link was followed")
	}
	if _, err := os.Lstat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("a file was made behind a link")
	}
}
