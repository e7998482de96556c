package sys

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pwdLock is what programs lock that change accounts: lckpwdf(3), and with it those of shadow and systemd. The files that those of shadow
// lock beside each database, such as /etc/passwd.lock, only come on top of it.
const pwdLock = "/etc/.pwd.lock"

// LockAccounts keeps other programs from changing the account files of the tree until unlock is called. It waits for
// them for the given time; lckpwdf does for 15 seconds.
func (t *Tree) LockAccounts(wait time.Duration) (unlock func(), err error) {
	fd, err := t.open(pwdLock, unix.O_WRONLY|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrNotExist) { // there is no /etc
		return func() {}, nil
	}
	if err != nil {
		return func() {}, err
	}
	until := time.Now().Add(wait)
	for {
		// Of the open file, not of the process: any thread of it may close the file elsewhere.
		l := unix.Flock_t{Type: unix.F_WRLCK}
		err = unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &l)
		if err == nil {
			return func() { unix.Close(fd) }, nil
		}
		if time.Now().After(until) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err == unix.EAGAIN || err == unix.EACCES {
		err = errors.New(pwdHolder(fd) + " is changing accounts (it holds the lock): wait until it is done")
	}
	unix.Close(fd)
	return func() {}, wrap("lock", t.Path(pwdLock), err)
}

// pwdHolder says who holds the lock.
func pwdHolder(fd int) string {
	l := unix.Flock_t{Type: unix.F_WRLCK}
	if unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &l) != nil || l.Pid <= 0 {
		return "a program"
	}
	name, _ := os.ReadFile("/proc/" + strconv.Itoa(int(l.Pid)) + "/comm")
	return strings.TrimSpace(string(name)) + " (process " + strconv.Itoa(int(l.Pid)) + ")"
}
