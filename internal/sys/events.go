package sys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Event is something that happened to a name in a watched directory, or to the mounts of this mount namespace.
type Event struct {
	Dirs   []string // that it may have happened in, by the names that they are watched by
	Name   string   // in them
	By     Doer
	Lost   bool // too much happened: look at everything
	Mounts bool // a mount came or went
}

// Doer is the program that did something, as far as the kernel tells.
type Doer struct {
	PID  int    `json:"pid,omitempty"`
	Name string `json:"name,omitempty"` // as ps(1) shows it, and the program that was started if that has another
}

func (d Doer) String() string {
	switch {
	case d.PID == 0:
		return "a program"
	case d.Name == "":
		return fmt.Sprintf("a program that has ended (pid %d)", d.PID)
	}
	return fmt.Sprintf("%s (pid %d)", d.Name, d.PID)
}

// doer looks at a process at once: it may end any moment.
func doer(pid int) Doer {
	d := Doer{PID: max(pid, 0)}
	if d.PID == 0 {
		return d
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return d
	}
	d.Name = strings.TrimSpace(string(comm))
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if base := filepath.Base(exe); err == nil && !strings.HasPrefix(base, d.Name) { // comm is cut off after 15 bytes
		d.Name += " of " + base
	}
	return d
}

// Events tells what happens in directories: by fanotify, which says who did it, and by inotify where a filesystem, an old kernel
// or a user namespace does not allow that. It keeps no directory open, so that filesystems can be unmounted.
type Events struct {
	fans   []int // groups of fanotify: of some filesystems, such as subvolumes of btrfs, one group watches only one (Linux 6.8)
	ino    int   // -1 if there is none
	mounts int
	who    bool
	stop   [2]int
	dirs   map[string][]string // watched directories by what identifies them in events
	self   int
}

// What happens in a directory with a watched name, and what happens to one that is only on the way there.
const (
	fanWay  = unix.FAN_CREATE | unix.FAN_DELETE | unix.FAN_MOVED_FROM | unix.FAN_MOVED_TO | unix.FAN_ONDIR
	fanAll  = fanWay | unix.FAN_CLOSE_WRITE | unix.FAN_ATTRIB | unix.FAN_EVENT_ON_CHILD
	inoWay  = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO
	inoAll  = inoWay | unix.IN_CLOSE_WRITE | unix.IN_ATTRIB
	fanInit = unix.FAN_CLASS_NOTIF | unix.FAN_REPORT_DFID_NAME | unix.FAN_CLOEXEC | unix.FAN_NONBLOCK
)

// NewEvents begins to listen. Without who, nobody is asked who did it.
func NewEvents(who bool) (*Events, error) {
	e := &Events{ino: -1, mounts: -1, stop: [2]int{-1, -1}, who: who, self: os.Getpid()}
	var err error
	if e.mounts, err = unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return nil, errors.Join(wrap("open", "/proc/self/mountinfo", err), e.Close())
	}
	if err := unix.Pipe2(e.stop[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, errors.Join(wrap("pipe", "", err), e.Close())
	}
	return e, e.Reset()
}

// Close ends the listening.
func (e *Events) Close() error {
	for _, fd := range append(e.fans, e.ino, e.mounts, e.stop[0], e.stop[1]) {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	return nil
}

// Reset watches no directory any more.
func (e *Events) Reset() error {
	e.dirs = map[string][]string{}
	for _, fd := range e.fans {
		unix.Close(fd)
	}
	e.fans = nil
	if e.ino >= 0 {
		unix.Close(e.ino)
	}
	var err error
	if e.ino, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return wrap("inotify_init", "", err)
	}
	return nil
}

// Watch watches the names in an open directory. Events name it as given. With way, files in it that are only written to are of
// no interest. It reports whether events will tell who did it.
func (e *Events) Watch(t *Tree, name string, way bool) (who bool, err error) {
	if id, err := handleOf(t.fd); e.who && err == nil && e.fan(t.fd, way) {
		e.dirs[id] = append(e.dirs[id], name)
		return true, nil
	}
	mask := uint32(inoAll)
	if way {
		mask = inoWay
	}
	wd, err := unix.InotifyAddWatch(e.ino, procPath(t.fd), mask|unix.IN_ONLYDIR|unix.IN_MASK_ADD)
	if err != nil {
		return false, wrap("inotify_add_watch", t.Name(), err)
	}
	id := inoID(int32(wd))
	e.dirs[id] = append(e.dirs[id], name)
	return false, nil
}

// mostFans is how many groups there may be: users and the kernel have a limit.
const mostFans = 8

// fan watches a directory by fanotify, and reports whether it can.
func (e *Events) fan(dir int, way bool) bool {
	mask := uint64(fanAll)
	if way {
		mask = fanWay
	}
	for i := 0; i < mostFans; i++ {
		if i == len(e.fans) {
			fd, err := unix.FanotifyInit(fanInit, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_LARGEFILE) // Linux 5.9
			if err != nil {
				return false
			}
			e.fans = append(e.fans, fd)
		}
		err := unix.FanotifyMark(e.fans[i], unix.FAN_MARK_ADD|unix.FAN_MARK_ONLYDIR, mask, dir, "")
		if err == nil {
			return true
		}
		if err != unix.EXDEV { // else another group may take it
			return false
		}
	}
	return false
}

// Stop makes [Events.Wait] return, from another goroutine.
func (e *Events) Stop() { _, _ = unix.Write(e.stop[1], []byte{0}) }

// Wait waits for events, at most for the given time; for as long as it takes if that is negative.
func (e *Events) Wait(most time.Duration) (events []Event, stopped bool, err error) {
	fds := []unix.PollFd{
		{Fd: int32(e.stop[0]), Events: unix.POLLIN},
		{Fd: int32(e.mounts), Events: unix.POLLPRI},
		{Fd: int32(e.ino), Events: unix.POLLIN},
	}
	for _, fd := range e.fans {
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	ms := -1
	if most >= 0 {
		ms = int((most + time.Millisecond - 1) / time.Millisecond)
	}
	if _, err := unix.Poll(fds, ms); err != nil && err != unix.EINTR {
		return nil, false, wrap("poll", "", err)
	}
	if fds[1].Revents != 0 {
		events = append(events, Event{Mounts: true})
	}
	buf := make([]byte, 64<<10)
	for i := range fds[2:] {
		for {
			n, err := unix.Read(int(fds[2+i].Fd), buf)
			if err == unix.EAGAIN {
				break
			}
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return events, false, wrap("read events", "", err)
			}
			if i == 0 {
				events = e.inoEvents(buf[:n], events)
			} else {
				events = e.fanEvents(buf[:n], events)
			}
		}
	}
	return events, fds[0].Revents != 0, nil
}
