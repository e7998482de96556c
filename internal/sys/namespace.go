package sys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNoNamespace says that this machine does not let the user make namespaces.
var ErrNoNamespace = errors.New("this machine does not allow user namespaces")

// InNamespace runs this very program again, with other arguments, as the root of a new user and mount namespace.
// What it mounts there is seen by nobody else and is gone when it ends. It needs no privilege.
func InNamespace(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	err := cmd.Start()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w: %w", ErrNoNamespace, err)
	}
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// ExitCode returns the exit code that an error of a finished program carries.
func ExitCode(err error) (int, bool) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return 0, false
	}
	return exit.ExitCode(), true
}

// MakePrivate keeps mounts of this namespace from spreading to others.
func MakePrivate() error {
	return wrap("make private", "/", unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""))
}

// MakeShared lets mounts of this namespace spread to copies of where they are made, as systemd has it on every machine.
func MakeShared() error {
	return wrap("make shared", "/", unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""))
}

// Container reports whether this is a container, as its manager says by the convention of systemd
// (https://systemd.io/CONTAINER_INTERFACE).
func Container() bool {
	_, err := os.Stat("/run/systemd/container")
	return err == nil || os.Getenv("container") != ""
}

// InUserNamespace reports whether this process is root of a user namespace only, not of the machine.
func InUserNamespace() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	f := strings.Fields(string(b))
	return err == nil && len(f) >= 3 && (f[1] != "0" || f[2] != "4294967295")
}
