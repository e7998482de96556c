//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// shimMachine is a small machine without an initrd: its kernel mounts the root and starts anicca-init.
type shimMachine struct {
	t     *testing.T
	dir   string
	disk  string
	more  string // another disk, if there is one
	flags string // how the kernel mounts the root
	root  string // from the top level
	store string
	kind  decl.Backend
}

// shimBoot is what its own init said.
type shimBoot struct {
	record *boot.Record
	init   string
	found  string
	mounts []string // "PATH TYPE ROOT"
	lines  []string
}

// install makes the disk of a machine that was set up.
func (m *shimMachine) install() {
	t := m.t
	t.Helper()
	build(t, m.dir+"/anicca-init", "../cmd/anicca-init")
	build(t, m.dir+"/realinit", "./realinit")
	m.disk = filepath.Join(m.dir, "disk")
	if err := os.WriteFile(m.disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(m.disk, 512<<20); err != nil {
		t.Fatal(err)
	}
	if m.kind == decl.Btrfs {
		run(t, "mkfs.btrfs", "--quiet", m.disk)
	} else {
		run(t, "mkfs.ext4", "-q", m.disk)
	}
	m.offline(func(top string) {
		if m.kind == decl.Btrfs {
			run(t, "btrfs", "-q", "subvolume", "create", top+"/@rootfs")
			run(t, "btrfs", "-q", "subvolume", "create", top+"/@persist")
		}
		release := strings.TrimSpace(run(t, "linux.uml", "--version"))
		in := filepath.Join(top, m.root)
		for _, d := range []string{"dev", "proc", "sys", "run", "tmp", "persist", "boot", "bin", "sbin", "usr/local/bin", "srv/data", "etc", "usr/lib/modules/" + release} {
			if err := os.MkdirAll(filepath.Join(in, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		run(t, "cp", m.dir+"/anicca-init", in+"/usr/local/bin/")
		for _, p := range []string{"/sbin/init", "/sbin/modprobe", "/bin/sh", "/usr/local/bin/other"} {
			run(t, "cp", m.dir+"/realinit", in+p)
		}
		run(t, "cp", "/usr/lib/uml/modules/"+release+"/kernel/fs/overlayfs/overlay.ko", in+"/usr/lib/modules/"+release+"/")
		if err := os.WriteFile(in+"/etc/issue", []byte("base\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(top, m.store, "srv/data"), 0o755); err != nil {
			t.Fatal(err)
		}
		l := root.Ledger{Backend: m.kind, Root: m.root, Store: m.store, StorePath: "/persist"}
		var d *root.Disk
		var err error
		if m.kind == decl.Btrfs {
			d, err = root.Create(top, l, time.Now())
		} else {
			d, err = root.CreateOverlay(top, ".", l, time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if m.kind == decl.Btrfs {
			if _, err := d.MakeBase(nil, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		m.plan(top, nil)
	})
}

// offline mounts the top level of the machine's disk while it is off.
func (m *shimMachine) offline(f func(top string)) {
	m.t.Helper()
	mounted(m.t, m.disk, 0, f)
}

// boot switches the machine on, with more words on the kernel command line, and waits until it has switched itself off.
func (m *shimMachine) boot(words ...string) shimBoot {
	t := m.t
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := "mem=256M con=null con0=fd:0,fd:1 ssl=null console=tty0 panic=-1 loglevel=5 root=/dev/ubda init=/usr/local/bin/anicca-init"
	cmd := exec.CommandContext(ctx, "linux.uml", append(strings.Fields(args+" ubda="+m.disk+" "+m.flags+m.more), words...)...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "TMPDIR="+m.dir, "HOME="+m.dir)
	runtime.LockOSThread() // Pdeathsig is of the thread that starts
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	b := shimBoot{lines: strings.Split(strings.ReplaceAll(string(out), "\r", ""), "\n")}
	if err != nil || !slices.Contains(b.lines, "REAL DONE") {
		t.Fatalf("the machine did not come to its end: %v\n%s", err, tail(string(out)))
	}
	var record strings.Builder
	for _, l := range b.lines {
		if text, ok := strings.CutPrefix(l, "RECORD "); ok {
			record.WriteString(text)
		}
		if _, text, ok := strings.Cut(l, "REAL INIT "); ok {
			b.init = text
		}
		if _, text, ok := strings.Cut(l, "REAL FOUND "); ok {
			b.found = text
		}
		if _, text, ok := strings.Cut(l, "REAL MOUNT "); ok {
			b.mounts = append(b.mounts, text)
		}
	}
	if err := json.Unmarshal([]byte(record.String()), &b.record); err != nil {
		t.Fatalf("boot record: %v\n%s", err, tail(string(out)))
	}
	return b
}

// want compares what a boot came to with what it should have.
func (m *shimMachine) want(b shimBoot, outcome boot.Outcome, found string) {
	m.t.Helper()
	if b.record.Outcome != outcome || b.found != found {
		m.t.Errorf("the boot was %s (%s) and found %s; want %s and %s\n%s", b.record.Outcome, b.record.Why, b.found, outcome, found,
			tail(strings.Join(b.lines, "\n")))
	}
	seen := map[string]int{}
	for _, line := range b.mounts {
		at, _, _ := strings.Cut(line, " ")
		seen[at]++
		if strings.Contains(line, "/anicca/archive/") || strings.HasPrefix(line, "/run/anicca/root") {
			m.t.Errorf("still mounted: %s", line)
		}
	}
	for _, at := range []string{"/", "/dev", "/proc", "/sys", "/run"} {
		if seen[at] != 1 {
			m.t.Errorf("%s is mounted %d times: %q", at, seen[at], b.mounts)
		}
	}
}

// rootIs compares the type, and the subvolume, of the mounted root.
func (m *shimMachine) rootIs(b shimBoot, want string) {
	m.t.Helper()
	for _, line := range b.mounts {
		if rest, ok := strings.CutPrefix(line, "/ "); ok && rest != want {
			m.t.Errorf("the root is %s, want %s", rest, want)
		}
	}
}

// fresh is what the mount table says of the root after a reset.
func (m *shimMachine) fresh() string {
	if m.kind == decl.Btrfs {
		return "btrfs /@rootfs"
	}
	return "overlay /"
}

// plan writes the boot plan into the store, as apply does, with a change, if it is not nil.
func (m *shimMachine) plan(top string, change func(*plan.Boot)) {
	t := m.t
	t.Helper()
	tree, err := sys.OpenTree(top)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	b := &plan.Boot{
		Format: plan.Format, Host: "small", Backend: m.kind, Reset: decl.ResetOn, Archive: decl.Archive{Count: 10, Days: 30},
		Stores: []plan.BootStore{{Path: "/persist", Subvol: m.store, Need: decl.Required}},
		Entries: []plan.Step{
			{Kind: plan.Bind, Path: "/etc/conf", Store: "/persist", Source: "/persist/etc/conf"},
			{Kind: plan.Bind, Path: "/srv/data", Store: "/persist", Source: "/persist/srv/data", Dir: true},
		},
	}
	if change != nil {
		change(b)
	}
	step := plan.Step{Kind: plan.Record, Path: "/" + m.store + "/.anicca/current", Store: "/" + m.store, Boot: b}
	if err := apply.Run(tree, &plan.Plan{Steps: []plan.Step{step}}, nil); err != nil {
		t.Fatal(err)
	}
}
