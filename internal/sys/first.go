package sys

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// early are the filesystems that an init finds mounted after every initramfs. Options: systemd, src/shared/mount-setup.c.
var early = []struct {
	at, kind string
	flags    uintptr
	data     string
}{
	{"/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
	{"/sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
	{"/dev", "devtmpfs", unix.MS_NOSUID, "mode=0755"},
	{"/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755,size=20%,nr_inodes=800k"},
}

// Early are the mount points of what [MountEarly] mounts.
func Early() []string {
	var out []string
	for _, m := range early {
		out = append(out, m.at)
	}
	return out
}

// MountEarly mounts what a kernel that was started without an initramfs has left to its init: /proc, /sys, /dev and /run.
// What is mounted already stays as it is.
func MountEarly() error {
	var errs []error
	for _, m := range early {
		there, err := Mounted(m.at)
		if err == nil && !there {
			err = do("mount", m.at, func() error { return unix.Mount(m.kind, m.at, m.kind, m.flags, m.data) })
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Mounted reports whether the directory p is the top of a mount. It needs no /proc.
func Mounted(p string) (bool, error) {
	var x unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, p, unix.AT_NO_AUTOMOUNT, 0, &x); err != nil {
		return false, wrap("stat", p, err)
	}
	return x.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
}

// HoldSignals keeps signals from ending this process: the kernel panics when the first process ends.
// A program that it becomes by [Exec] has the kernel's own treatment of them again.
func HoldSignals() { signal.Notify(make(chan os.Signal, 1)) }

// Again runs this very program once more, with other arguments, and waits for its end. It returns its exit code, -1 if
// there is none, and how it ended unless all was well.
func Again(args ...string) (code int, err error) {
	return wait("/proc/self/exe", append([]string{os.Args[0]}, args...), &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
}

func wait(program string, args []string, attr *os.ProcAttr) (code int, err error) {
	p, err := os.StartProcess(program, args, attr)
	if err != nil {
		return -1, err
	}
	state, err := p.Wait()
	if err != nil {
		return -1, err
	}
	if !state.Success() {
		err = errors.New(state.String())
	}
	return state.ExitCode(), err
}

// Exec makes this process become the program at p. It returns only if that fails.
func Exec(p string, args []string) error {
	return do("exec", p, func() error { return syscall.Exec(p, append([]string{p}, args...), os.Environ()) })
}

// Shell gives the console to whoever may log in as root, and comes back when they leave it.
func Shell() error {
	console, err := os.OpenFile("/dev/console", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer console.Close()
	program := Program("sulogin") // asks for the password
	if program == "" {
		program = "/bin/sh"
	}
	_, err = wait(program, []string{program}, &os.ProcAttr{
		Files: []*os.File{console, console, console}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	return err
}
