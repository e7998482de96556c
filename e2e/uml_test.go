//go:build e2e

package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/root"
)

// small is a machine without a distribution: a real kernel (user-mode Linux, as one process), our two programs and a shell.
// It boots in seconds, so it can be broken in every way.
type small struct {
	t         *testing.T
	fs        string // btrfs or ext4
	disk      string // image of its filesystem
	initramfs string
	release   string // of the kernel
	uuid      string
}

// declared is what small machines declare.
const declared = `root: {backend: %q, reset: "on"}
persist: "/persist": {
	directories: {"/srv/data": {}, "/etc/anicca": {}}
	files: "/etc/conf": {}
}
`

// newSmall makes a small machine as it is after 'anicca init', and lets it apply its declaration in its first boot.
func newSmall(t *testing.T, fs string) *small {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: builds and mounts disk images")
	}
	for _, p := range []string{"linux.uml", "busybox", "mkfs." + fs} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("needs %s: apt-get install user-mode-linux busybox-static btrfs-progs e2fsprogs", p)
		}
	}
	dir := t.TempDir()
	s := &small{t: t, fs: fs, disk: dir + "/disk", initramfs: dir + "/initramfs", release: run(t, "linux.uml", "--version")}
	for name, pkg := range map[string]string{"anicca": "../cmd/anicca", "anicca-init": "../cmd/anicca-init", "umlinit": "./umlinit"} {
		build(t, dir+"/"+name, pkg)
	}
	image := initramfs(t, map[string]string{
		"init": dir + "/umlinit", "sbin/anicca-init": dir + "/anicca-init",
		"overlay.ko": "/usr/lib/uml/modules/" + s.release + "/kernel/fs/overlayfs/overlay.ko",
	})
	if err := os.WriteFile(s.initramfs, image, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.disk, 1<<30); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs."+fs, "-q", s.disk)
	s.uuid = run(t, "blkid", "-s", "UUID", "-o", "value", s.disk)
	s.mount(func(top string) { s.fill(top, dir) })
	b := s.boot("", s.mountStore(), "anicca apply --yes")
	if b.code(1) != 0 {
		t.Fatalf("apply: %s\n%s", b.out(1), tail(b.console()))
	}
	return s
}

// at is where the root lies on the top level.
func (s *small) at(top string) string {
	if s.fs == "btrfs" {
		return top + "/@rootfs"
	}
	return top
}

// mountStore is the command that mounts the store where no boot plan says how.
func (s *small) mountStore() string {
	if s.fs == "btrfs" {
		return "mount -t btrfs -o subvol=@persist /dev/ubda /persist"
	}
	return "mount --bind /run/anicca/private/disk/anicca/store /persist"
}

func (s *small) fill(top, programs string) {
	t := s.t
	if s.fs == "btrfs" {
		for _, v := range []string{"@rootfs", "@persist"} {
			run(t, "btrfs", "-q", "subvolume", "create", top+"/"+v)
		}
	}
	at := s.at(top)
	backend := map[string]decl.Backend{"btrfs": decl.Btrfs, "ext4": decl.Overlay}[s.fs]
	for p, text := range map[string]string{
		"etc/issue": "base\n", "etc/conf": "conf\n", "etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "root:x:0:\n",
		"etc/anicca/host.cue": fmt.Sprintf(declared, backend), "srv/data/synced": "", "persist/.keep": "", "bin/.keep": "",
		"sbin/.keep": "", "tmp/.keep": "", "proc/.keep": "", "sys/.keep": "", "dev/.keep": "", "run/.keep": "", "usr/lib/modules/" + s.release + "/modules.dep": "",
	} {
		writeFile(t, filepath.Join(at, p), text)
	}
	run(t, "rm", at+"/persist/.keep")
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	run(t, "cp", busybox, at+"/bin/busybox")
	run(t, "cp", programs+"/anicca", programs+"/anicca-init", at+"/sbin")
	for _, c := range []string{"sh", "cat", "date", "echo", "ls", "mkdir", "mount", "umount", "mv", "rm", "sync", "dd", "df", "test", "sleep", "touch", "env", "seq", "stat"} {
		if err := os.Symlink("busybox", at+"/bin/"+c); err != nil {
			t.Fatal(err)
		}
	}
	l := root.Ledger{Backend: backend, Root: "@rootfs", Store: "@persist", StorePath: "/persist"}
	if s.fs != "btrfs" {
		writeFile(t, top+"/anicca/store/.anicca/.keep", "")
		l.Store = "anicca/store"
		d, err := root.CreateOverlay(top, ".", l, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
		return
	}
	writeFile(t, top+"/@persist/.anicca/.keep", "")
	d, err := root.Create(top, l, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, p, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mount mounts the top level of the machine's disk while it is off.
func (s *small) mount(f func(top string)) {
	s.t.Helper()
	mounted(s.t, s.disk, 0, f)
}

// copy is a machine of its own that begins as this one.
func (s *small) copy(t *testing.T) *small {
	t.Helper()
	c := *s
	c.t, c.disk = t, t.TempDir()+"/disk"
	run(t, "cp", "--sparse=always", s.disk, c.disk)
	return &c
}

// session is one run of a small machine.
type session struct {
	s     *small
	cmd   *exec.Cmd
	said  chan string
	lines []string
}

// power switches the machine on, with extra words on the kernel command line. The last of each counts.
func (s *small) power(words string) *session {
	s.t.Helper()
	b := &session{s: s, said: make(chan string, 10000)}
	disk := "ubda=" + s.disk
	if strings.Contains(words, "uml.ro") {
		disk = "ubdar=" + s.disk
	}
	args := []string{
		"mem=192M", disk, "initrd=" + s.initramfs, "rdinit=/init", "con=null", "con0=fd:0,fd:1", "ssl=null", "console=tty0",
		"panic=-1", "loglevel=5", "root=/dev/ubda", "rootfstype=" + s.fs,
	}
	if s.fs == "btrfs" {
		args = append(args, "rootflags=subvol=@rootfs")
	}
	dir := filepath.Dir(s.disk)
	b.cmd = exec.Command("linux.uml", append(args, strings.Fields(words)...)...)
	b.cmd.Dir = dir
	b.cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	b.cmd.Stderr = b.cmd.Stdout
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() { // Pdeathsig belongs to the thread that starts: it must live as long as the machine
		lockThread()
		started <- b.cmd.Start()
		sc := bufio.NewScanner(io.Reader(out))
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			b.said <- strings.TrimRight(sc.Text(), "\r")
		}
		close(b.said)
	}()
	if err := <-started; err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(b.cut)
	return b
}

// boot switches the machine on, runs commands in it and switches it off.
func (s *small) boot(words string, commands ...string) *session {
	s.t.Helper()
	do := base64.RawURLEncoding.EncodeToString([]byte(strings.Join(commands, "\n")))
	b := s.power(words + " uml.do=" + do)
	b.wait("UML DONE")
	b.end()
	return b
}

// wait waits until a line holds the marker.
func (b *session) wait(marker string) {
	b.s.t.Helper()
	for end := time.After(time.Minute); ; {
		select {
		case line, ok := <-b.said:
			if !ok {
				b.s.t.Fatalf("the machine ended before %q:\n%s", marker, tail(b.console()))
			}
			b.lines = append(b.lines, line)
			if strings.Contains(line, marker) {
				return
			}
			if strings.Contains(line, "UML FAILED") {
				b.s.t.Fatalf("%s\n%s", line, tail(b.console()))
			}
		case <-end:
			b.s.t.Fatalf("%q was not said:\n%s", marker, tail(b.console()))
		}
	}
}

// end waits until the machine has switched itself off.
func (b *session) end() {
	b.s.t.Helper()
	for end := time.After(time.Minute); ; {
		select {
		case line, ok := <-b.said:
			if !ok {
				_ = b.cmd.Wait()
				return
			}
			b.lines = append(b.lines, line)
		case <-end:
			b.s.t.Fatalf("the machine does not switch off:\n%s", tail(b.console()))
		}
	}
}

// cut ends the machine, its own process group and no other, between two instructions.
func (b *session) cut() {
	if b.cmd.ProcessState != nil {
		return
	}
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	for line := range b.said {
		b.lines = append(b.lines, line)
	}
	_ = b.cmd.Wait()
}

func (b *session) console() string { return strings.Join(b.lines, "\n") }

func (b *session) answer(n int) (string, int) {
	b.s.t.Helper()
	for _, l := range b.lines {
		_, rest, ok := strings.Cut(l, "UML OUT "+strconv.Itoa(n)+" ")
		if !ok {
			continue
		}
		code, text, _ := strings.Cut(rest, " ")
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			b.s.t.Fatal(err)
		}
		return strings.TrimSpace(string(data)), number(code)
	}
	b.s.t.Fatalf("command %d gave no answer:\n%s", n, tail(b.console()))
	return "", 0
}

func (b *session) out(n int) string { out, _ := b.answer(n); return out }

func (b *session) code(n int) int { _, code := b.answer(n); return code }

// record is what the boot did, printed by command n.
func (b *session) record(n int) boot.Record {
	b.s.t.Helper()
	var r boot.Record
	if err := json.Unmarshal([]byte(b.out(n)), &r); err != nil {
		b.s.t.Fatalf("record: %v\n%s\n%s", err, b.out(n), tail(b.console()))
	}
	return r
}
