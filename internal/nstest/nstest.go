// Package nstest runs a package's tests as root of a user and mount namespace of their own,
// so that they can mount without privilege and without leaving anything behind.
package nstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"anicca/internal/sys"
)

const env = "ANICCA_TEST_NAMESPACE"

// Enter starts this test program again inside a namespace and exits with its code.
// Inside, and where namespaces are forbidden, it returns.
// Call it first in TestMain.
func Enter() {
	if os.Getenv(env) != "" {
		return
	}
	os.Setenv(env, "inside")
	ids := func(own int) []syscall.SysProcIDMap {
		if own == 0 && everybody() {
			return []syscall.SysProcIDMap{{Size: 65536}}
		}
		return []syscall.SysProcIDMap{{HostID: own, Size: 1}}
	}
	err := again(&syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: ids(os.Getuid()), GidMappings: ids(os.Getgid()),
		GidMappingsEnableSetgroups: os.Getuid() == 0,
	})
	os.Setenv(env, "forbidden: "+err.Error())
}

// Apart starts this test program again, where it is root, in a mount namespace of its own with an empty /run/anicca,
// and exits with its code: tests of two packages do not see each other's mounts, and leave none behind.
// Inside, and where this is not root, it returns. Call it first in TestMain.
func Apart() {
	if os.Getenv(env) != "" || os.Getuid() != 0 {
		if os.Getuid() == 0 {
			if err := apart(); err != nil {
				panic(err)
			}
		}
		return
	}
	os.Setenv(env, "apart")
	panic(again(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}))
}

func apart() error {
	if err := errors.Join(sys.MakePrivate(), sys.MakeShared()); err != nil {
		return err
	}
	if err := os.MkdirAll("/run/anicca", 0o755); err != nil {
		return err
	}
	at, err := sys.OpenTree("/run/anicca")
	if err != nil {
		return err
	}
	defer at.Close()
	return at.Mount("anicca", ".", "tmpfs", nil, "mode=0755")
}

// Memory returns a directory in memory for the images of disks, so that nothing waits for a real one.
// The program must be [Apart].
func Memory(t testing.TB) string {
	t.Helper()
	// ./test knows by the name which loop devices are of its own tests.
	dir, err := os.MkdirTemp("/run/anicca", "test-"+filepath.Base(os.Getenv("ANICCA_TEST_DIR"))+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// again runs this program again in namespaces of its own, with a directory for temporary files that goes with it, and exits with
// its code; it returns if that cannot be.
func again(attr *syscall.SysProcAttr) error {
	runtime.LockOSThread() // Pdeathsig is of the thread that starts
	attr.Pdeathsig = syscall.SIGKILL
	temp, err := os.MkdirTemp("", "test") // short: paths of sockets have 107 bytes at most
	if err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	cmd.SysProcAttr = attr
	err = os.Chmod(temp, 0o755) // tests become others, too
	if err == nil {
		err = runOn(cmd)
	}
	// What is mounted inside is not seen here: only what lies in the directory itself goes.
	left := os.RemoveAll(temp)
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case err != nil && !failed:
		return err
	case left != nil:
		fmt.Fprintln(os.Stderr, "the tests have left something behind:", left)
		os.Exit(1)
	case failed:
		os.Exit(exit.ExitCode())
	}
	os.Exit(0)
	return nil
}

// runOn runs a program, and ends what that leaves running. Signals that would end this one end that one, so that there is somebody
// left to tidy up.
func runOn(cmd *exec.Cmd) error {
	came := make(chan os.Signal, 8)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signal.Notify(came, s)
		}
	}
	defer signal.Stop(came)
	const setChildSubreaper = 36 // of linux/prctl.h: whoever loses their parent below becomes a child of ours
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		return os.NewSyscallError("prctl", errno)
	}
	defer endChildren()
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		for s := range came {
			_ = cmd.Process.Signal(s)
		}
	}()
	return cmd.Wait()
}

// endChildren ends all children, and theirs, which become ours meanwhile.
func endChildren() {
	for {
		all, err := filepath.Glob("/proc/self/task/*/children")
		if err != nil || len(all) == 0 { // a kernel that does not list them
			return
		}
		for _, p := range all {
			text, _ := os.ReadFile(p)
			for _, id := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(id); err == nil {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return // there is none
		}
	}
}

// everybody reports whether this process can map more ids than its own.
func everybody() bool {
	m, err := os.ReadFile("/proc/self/uid_map")
	f := strings.Fields(string(m))
	return err == nil && len(f) == 3 && len(f[2]) > 5
}

// Need skips the test where there is no namespace, with the reason, and keeps its mounts to itself. Within the namespace they
// are shared, as systemd has all mounts of a machine.
func Need(t testing.TB) {
	t.Helper()
	if why := os.Getenv(env); why != "inside" {
		t.Skipf("needs a user namespace, which this machine does not allow (%s)", why)
	}
	if err := errors.Join(sys.MakePrivate(), sys.MakeShared()); err != nil {
		t.Fatal(err)
	}
}

// NeedIDs skips the test where only one user id can be used.
func NeedIDs(t testing.TB) {
	t.Helper()
	if !HasIDs() {
		t.Skip("needs several user ids: run the tests as root")
	}
}

// HasIDs reports whether more than one user id can be used.
func HasIDs() bool {
	m, err := os.ReadFile("/proc/self/uid_map")
	f := strings.Fields(string(m))
	return err == nil && len(f) >= 3 && f[2] != "1"
}
