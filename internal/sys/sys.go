// Package sys is the hands: everything that anicca asks of the Linux kernel.
//
// It works on file descriptors, never on path strings of a tree that somebody else may change:
// a [Tree] is an open directory that acts as a root,
// and no operation in it follows a symbolic link or leaves it.
// It is the only importer of x/sys and os/exec.
//
// The baseline is Linux 5.12 (mount_setattr).
package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Fault, if set, is asked before every system call that changes something.
// Its error, if any, is returned in place of making the call.
// Tests use it to stop at the N-th call, as a power cut would.
var Fault func(op, path string) error

// do makes one system call that changes something, and names operation and object in its error.
func do(op, path string, call func() error) error {
	if Fault != nil {
		if err := Fault(op, path); err != nil {
			return wrap(op, path, err)
		}
	}
	return wrap(op, path, retry(call))
}

// wrap adds operation and object to an error and leaves nil alone.
func wrap(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// IsLoop reports whether an operation met a symbolic link where none may be.
func IsLoop(err error) bool { return errors.Is(err, unix.ELOOP) }

// IsNotDir reports whether something above an object is no directory.
func IsNotDir(err error) bool { return errors.Is(err, unix.ENOTDIR) }

// IsBusy reports whether an object could not be changed because it is in use, as a mount point is.
func IsBusy(err error) bool { return errors.Is(err, unix.EBUSY) }

// IsNoExchange reports whether objects could not be exchanged because the filesystem cannot do that: an overlay with directories of the
// layers below, OpenZFS up to 2.1 with anything.
func IsNoExchange(err error) bool {
	return errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP)
}

// IsApart reports whether an object could not be moved to where it would be on another filesystem. An overlay says so of a
// directory that lies in more than one of its layers, where it was mounted without redirect_dir=on.
func IsApart(err error) bool { return errors.Is(err, unix.EXDEV) }

// IsUnknown reports whether a filesystem has no such operation.
func IsUnknown(err error) bool { return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) }

// IsCrowded reports whether this program has as many files open as it may.
func IsCrowded(err error) bool { return errors.Is(err, unix.EMFILE) }

// IsFull reports whether there was no room for an operation.
func IsFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// procPath names an open descriptor for the system calls that take only paths.
func procPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// retry repeats a call that a signal interrupted.
func retry(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

// Kernel returns the release of the running kernel, such as "6.1.0-30-amd64".
func Kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// Kexec reports whether the running kernel was started by another kernel. The kernel is told who loads it, see
// Documentation/arch/x86/boot.rst, type_of_loader; other processors do not tell.
func Kexec() bool {
	b, err := os.ReadFile("/proc/sys/kernel/bootloader_type")
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	return err == nil && n>>4 == 0xd
}

// Booted is when the kernel was started, by today's clock.
func Booted() time.Time {
	var up unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(up.Nano()))
}

// BootID returns the kernel's random id of this boot.
func BootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(b) < 36 {
		return ""
	}
	return string(b[:36])
}
