package sys

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spaces are what a program that is started gets for itself, beside what all programs have.
type Spaces struct {
	User      *Same // a user namespace; nil for none
	Mounts    bool
	Processes bool // and shared memory, message queues and the name of the host
	Group     bool // of processes: what it sends to all of its group reaches nobody else
	Weak      bool // root without what reaches beyond the files it sees: see [harmless]
}

// Same says that a user and a group of a user namespace are the same as others of the one around it.
type Same struct {
	UID, GID     int // in the new one
	OfUID, OfGID int // around it
}

// harmless are the capabilities (capabilities(7)) that only reach what a root has in the files and processes that it sees.
// Without the others it cannot mount, load modules, set the clock, the network or the machine's power.
var harmless = []uintptr{
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_SETPCAP,
	unix.CAP_LINUX_IMMUTABLE, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_RAW, unix.CAP_IPC_LOCK, unix.CAP_IPC_OWNER, unix.CAP_SYS_CHROOT,
	unix.CAP_SYS_PTRACE, unix.CAP_SYS_NICE, unix.CAP_SYS_RESOURCE, unix.CAP_MKNOD, unix.CAP_LEASE, unix.CAP_AUDIT_WRITE, unix.CAP_SETFCAP,
}

// Start starts a program in spaces of its own, with the standard files and the working directory of this process. It is killed
// when this process ends. The error is [ErrNoNamespace] where the machine does not allow that.
func (s Spaces) Start(program string, args ...string) (*os.Process, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: s.Group}
	if s.Mounts {
		attr.Cloneflags |= unix.CLONE_NEWNS
	}
	if s.Processes {
		attr.Cloneflags |= unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	}
	if u := s.User; u != nil {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: u.UID, HostID: u.OfUID, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: u.GID, HostID: u.OfGID, Size: 1}}
	}
	var p *os.Process
	start := func() (err error) {
		p, err = os.StartProcess(program, args, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: attr})
		return err
	}
	var err error
	if s.Weak {
		err = weakly(start)
	} else {
		err = start()
	}
	if err != nil && attr.Cloneflags != 0 && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS)) {
		return nil, fmt.Errorf("%w: %w", ErrNoNamespace, err)
	}
	return p, err
}

// weakly runs f on a thread that gives up what is not harmless, for itself and for what is started from it. A program that is
// started must end with its thread, so the thread stays for good.
func weakly(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := weaken()
		if err == nil {
			err = f()
		}
		done <- err
		select {}
	}()
	return <-done
}

func weaken() error {
	for c := uintptr(0); ; c++ {
		if slices.Contains(harmless, c) {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL && c > unix.CAP_LAST_CAP {
			break
		} else if err != nil && err != unix.EINVAL {
			return wrap("give up", "capabilities", err)
		}
	}
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err != nil {
		return wrap("give up", "capabilities", err)
	}
	d[0].Inheritable, d[1].Inheritable = 0, 0
	return wrap("give up", "capabilities", unix.Capset(&h, &d[0]))
}

// Bequeath lets programs that are started have an open file under the same number, which it returns.
func Bequeath(f *os.File) (int, error) {
	fd := f.Fd()
	_, err := unix.FcntlInt(fd, unix.F_SETFD, 0)
	return int(fd), wrap("bequeath", f.Name(), err)
}

// Inherit takes a file that was bequeathed, and keeps it from whatever is started next.
func Inherit(fd int, name string) *os.File {
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}

// Reaped waits for the end of any child of this process, as the first process of a namespace must, and returns which it was and
// its exit code, by the custom of shells: 128 and the number of the signal that ended it.
func Reaped() (pid, code int, err error) {
	var w unix.WaitStatus
	err = retry(func() (err error) { pid, err = unix.Wait4(-1, &w, 0, nil); return err })
	if err != nil {
		return 0, 0, wrap("wait", "children", err)
	}
	return pid, shellCode(w), nil
}

func shellCode(w unix.WaitStatus) int {
	if w.Signaled() {
		return 128 + int(w.Signal())
	}
	return w.ExitStatus()
}

// Ended waits for the end of a program that was started and returns its exit code as [Reaped] does.
func Ended(p *os.Process) (int, error) {
	state, err := p.Wait()
	if err != nil {
		return 0, err
	}
	return shellCode(unix.WaitStatus(state.Sys().(syscall.WaitStatus))), nil
}
