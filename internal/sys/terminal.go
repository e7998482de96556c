package sys

import (
	"errors"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// Foreground reports whether the terminal of this session is this process's: keys such as Ctrl-C go to its group.
func Foreground() bool {
	mine := false
	terminal(func(_, group int) { mine = group == unix.Getpgrp() })
	return mine
}

// TakeTerminal takes the terminal of this session if the group that had it has ended, as that of a shell that was started from
// this process. SIGTTOU must be ignored.
func TakeTerminal() {
	terminal(func(tty, group int) {
		if unix.Kill(-group, 0) == unix.ESRCH {
			_ = unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, unix.Getpgrp())
		}
	})
}

func terminal(f func(tty, group int)) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return
	}
	defer tty.Close()
	if group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP); err == nil {
		f(int(tty.Fd()), group)
	}
}

// HasTerminal reports whether this session has a terminal.
func HasTerminal() (has bool) {
	terminal(func(int, int) { has = true })
	return has
}

// Look finds a program as a shell does: by the variable PATH, which can name the current directory, or as the path that it is.
func Look(name string) (string, error) {
	p, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrDot) {
		err = nil
	}
	return p, err
}

// IsNotProgram reports whether a file could not be started because the kernel does not know its format.
func IsNotProgram(err error) bool { return errors.Is(err, unix.ENOEXEC) }
