package apply_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"anicca/internal/sys"
)

// hostile is a machine with a home whose user is at work.
type hostile struct {
	*machine
	user    *exec.Cmd
	said    bytes.Buffer
	watched int // inotify
	names   map[int32]string
}

func newHostile(t *testing.T) *hostile {
	h := &hostile{machine: &machine{t: t, dir: t.TempDir()}, names: map[int32]string{}}
	m := h.dir
	up, err := sys.OpenTree(h.dir)
	must(t, err)
	defer up.Close()
	must(t, up.Mount("disk", ".", "tmpfs", nil, "mode=0755"))
	t.Cleanup(func() { must(t, unix.Unmount(h.dir, unix.MNT_DETACH)) })
	h.disk, err = sys.OpenTree(h.dir)
	must(t, err)
	t.Cleanup(func() { h.disk.Close() })
	for p, text := range map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\nother:x:1001:1001::/home/other:/bin/sh\n",
		"etc/group":  "root:x:0:\nbird:x:1000:\nother:x:1001:\n", "persist/.keep": "", "anicca/store/.keep": "",
		"anicca/ledger.json": "{}", "srv/everybody": "everybody's\n",
	} {
		h.write(p, text)
	}
	// Where the links lead, all that bird's own home has is there too.
	for _, elsewhere := range []string{"etc", "home/other"} {
		for p := range inHome {
			h.write(filepath.Join(elsewhere, p), secret)
			for up := filepath.Dir(p); up != "."; up = filepath.Dir(up) {
				must(t, os.Chmod(filepath.Join(h.dir, elsewhere, up), 0o750))
			}
		}
	}
	must(t, os.Chmod(m+"/srv/everybody", 0o666)) // so that bird may give it another name
	must(t, os.MkdirAll(m+"/home/bird", 0o755))
	must(t, os.Chown(m+"/home/bird", 1000, 1000))
	h.root, err = sys.OpenTree(m)
	must(t, err)
	t.Cleanup(func() { h.root.Close() })
	must(t, sys.Bind(h.disk, "anicca/store", h.root, "/persist", nil))
	h.watch()
	h.begin(m, m+"/etc", "../../etc", "/proc/self/root"+m+"/etc", m+"/home/other", "../other", "..")
	return h
}

func (h *hostile) write(p, text string) {
	p = filepath.Join(h.dir, p)
	must(h.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(h.t, os.WriteFile(p, []byte(text), 0o640))
}

// begin starts the user, who waits until it may go on.
func (h *hostile) begin(m string, targets ...string) {
	var roots []*os.File
	for _, p := range []string{m, filepath.Join(h.dir, "anicca/store")} {
		f, err := os.Open(p)
		must(h.t, err)
		defer f.Close()
		roots = append(roots, f)
	}
	h.user = exec.Command("/proc/self/exe")
	h.user.Env = append(os.Environ(), swapEnv+"="+strings.Join(targets, ":"))
	h.user.ExtraFiles, h.user.Stdout, h.user.Stderr = roots, &h.said, os.Stderr
	h.user.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}, Pdeathsig: syscall.SIGKILL}
	must(h.t, h.user.Start())
	h.t.Cleanup(func() { _ = h.user.Process.Kill() })
	h.pause()
}

func (h *hostile) signal(s os.Signal) { must(h.t, h.user.Process.Signal(s)) }

// pause stops the user and waits until all its threads stand still.
func (h *hostile) pause() {
	h.signal(syscall.SIGSTOP)
	tasks := fmt.Sprintf("/proc/%d/task/", h.user.Process.Pid)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Microsecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("the hostile user does not stop")
		}
		threads, err := os.ReadDir(tasks)
		must(h.t, err)
		if !slices.ContainsFunc(threads, func(d fs.DirEntry) bool {
			stat, err := os.ReadFile(tasks + d.Name() + "/stat")
			return err == nil && !bytes.Contains(stat, []byte(") T "))
		}) {
			return
		}
	}
}

// end lets the user say how often it has swapped something.
func (h *hostile) end() int {
	h.signal(syscall.SIGTERM)
	h.signal(syscall.SIGCONT)
	must(h.t, h.user.Wait())
	n, err := strconv.Atoi(strings.TrimSpace(h.said.String()))
	must(h.t, err)
	return n
}

// furnish makes home and store new, as they are before the first apply.
func (h *hostile) furnish() {
	home := filepath.Join(h.dir, "home/bird")
	names, err := os.ReadDir(home)
	must(h.t, err)
	for _, n := range names {
		must(h.t, os.RemoveAll(filepath.Join(home, n.Name())))
	}
	for _, d := range []string{"home", ".anicca/generations", ".anicca/current"} {
		must(h.t, os.RemoveAll(filepath.Join(h.dir, "anicca/store", d)))
	}
	for p, text := range inHome {
		h.write(filepath.Join("home/bird", p), text)
	}
	must(h.t, filepath.WalkDir(home, func(p string, _ fs.DirEntry, _ error) error { return os.Lchown(p, 1000, 1000) }))
}

// check looks whether anything outside of the home was touched, and unmounts what is mounted in it.
func (h *hostile) check(before map[string]string) {
	h.t.Helper()
	for _, e := range h.events() {
		h.t.Error(e)
	}
	after := h.outside()
	for p := range maps.Keys(after) {
		if before[p] != after[p] {
			h.t.Errorf("%s: %q, and was %q", p, after[p], before[p])
		}
	}
	for p := range maps.Keys(before) {
		if _, ok := after[p]; !ok {
			h.t.Errorf("%s is gone", p)
		}
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	must(h.t, err)
	for _, line := range slices.Backward(strings.Split(string(table), "\n")) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasPrefix(f[4], h.dir+"/") || f[4] == h.dir+"/persist" {
			continue
		}
		if !strings.HasPrefix(f[4], h.dir+"/home/bird/") {
			h.t.Errorf("mounted: %s", line)
		}
		must(h.t, unix.Unmount(strings.ReplaceAll(f[4], `\040`, " "), unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
	}
	must(h.t, filepath.WalkDir(filepath.Join(h.dir, "anicca/store"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(p)
		if string(data) == secret {
			h.t.Errorf("%s holds what is not bird's", p)
		}
		return err
	}))
}

// outside is all that does not belong to bird: owner, mode, and content.
func (h *hostile) outside() map[string]string {
	out := map[string]string{}
	must(h.t, filepath.WalkDir(h.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch strings.TrimPrefix(p, h.dir) {
		case "/persist", "/home/bird", "/anicca/store/home", "/anicca/store/.anicca":
			return filepath.SkipDir
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		s := i.Sys().(*syscall.Stat_t)
		out[p] = fmt.Sprintf("%v %d:%d", i.Mode(), s.Uid, s.Gid)
		if d.Type().IsRegular() {
			data, err := os.ReadFile(p)
			must(h.t, err)
			out[p] += " " + string(data)
		}
		return nil
	}))
	h.events() // of this walk
	return out
}

// watch has the kernel tell of everything that is opened, read or changed where the links lead.
func (h *hostile) watch() {
	var err error
	h.watched, err = unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	must(h.t, err)
	h.t.Cleanup(func() { unix.Close(h.watched) })
	for _, d := range []string{"etc", "home/other"} {
		must(h.t, filepath.WalkDir(filepath.Join(h.dir, d), func(p string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			wd, err := unix.InotifyAddWatch(h.watched, p, unix.IN_ALL_EVENTS)
			h.names[int32(wd)] = p
			return err
		}))
	}
}

// expected are the files in /etc that a plan reads.
var expected = []string{"passwd", "group", "fstab"}

// events are what the kernel has told, apart from this test's own walk and what every plan reads.
func (h *hostile) events() []string {
	var out []string
	buf := make([]byte, 1<<20)
	for {
		n, err := unix.Read(h.watched, buf)
		if errors.Is(err, unix.EAGAIN) {
			return out
		}
		must(h.t, err)
		for at := 0; at < n; {
			e := (*unix.InotifyEvent)(unsafe.Pointer(&buf[at]))
			name := unix.ByteSliceToString(buf[at+unix.SizeofInotifyEvent : at+unix.SizeofInotifyEvent+int(e.Len)])
			at += unix.SizeofInotifyEvent + int(e.Len)
			p := filepath.Join(h.names[e.Wd], name)
			reads := e.Mask&^(unix.IN_OPEN|unix.IN_ACCESS|unix.IN_CLOSE_NOWRITE|unix.IN_ISDIR) == 0
			if reads && slices.Contains(expected, filepath.Base(p)) {
				continue
			}
			out = append(out, fmt.Sprintf("%s: event %#x", p, e.Mask))
		}
	}
}
