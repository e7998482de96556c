package sys

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked is in the error of a lock that another process holds.
var ErrLocked = errors.New("another anicca is at work here")

// Lock takes the lock file p for this process, so that two programs do not change one store at a time.
// It does not wait: if another holds it, the error says so.
func (t *Tree) Lock(p string) (unlock func(), err error) {
	fd, err := t.lock(p)
	if err != nil {
		return nil, err
	}
	return func() { unix.Close(fd) }, nil
}

// LockFile is [Tree.Lock] for several processes: whoever it is bequeathed to has the lock too, until the last of them has closed it.
func (t *Tree) LockFile(p string) (*os.File, error) {
	fd, err := t.lock(p)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), t.Path(p)), nil
}

func (t *Tree) lock(p string) (int, error) {
	fd, err := t.open(p, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return -1, err
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return -1, fmt.Errorf("%w (it holds %s): wait until it is done", ErrLocked, t.Path(p))
		}
		return -1, wrap("lock", t.Path(p), err)
	}
	return fd, nil
}

// WaitLock is [Tree.Lock], and waits a few seconds for whoever has it only for a moment.
func (t *Tree) WaitLock(p string) (unlock func(), err error) {
	for range 30 {
		if unlock, err = t.Lock(p); !errors.Is(err, ErrLocked) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return unlock, err
}

// Say writes a line for whoever watches the machine boot: to the kernel's log and to the console.
// It is all that there is before the journal runs; errors have nowhere to go and are dropped.
func Say(line string) {
	if f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil {
		fmt.Fprintf(f, "<4>anicca: %s\n", line)
		f.Close()
	}
	if f, err := os.OpenFile("/dev/console", os.O_WRONLY|unix.O_NOCTTY, 0); err == nil {
		fmt.Fprintf(f, "anicca: %s\r\n", line)
		f.Close()
	}
}
