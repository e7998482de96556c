//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
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

// cuts is how often the power is cut. Each takes about three seconds.
const cuts = 40

// TestPowerCuts cuts the power of a small machine at random times, in the reset and while it writes,
// and looks after each cut whether it comes up as it must. The kernel is user-mode Linux: a real one, as one process.
func TestPowerCuts(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: builds and mounts disk images")
	}
	if _, err := exec.LookPath("linux.uml"); err != nil {
		t.Skip("needs linux.uml: apt-get install user-mode-linux")
	}
	dir := t.TempDir()
	build(t, dir+"/anicca-init", "../cmd/anicca-init")
	build(t, dir+"/umlinit", "./umlinit")
	image := initramfs(t, map[string]string{"init": dir + "/umlinit", "sbin/anicca-init": dir + "/anicca-init"})
	if err := os.WriteFile(dir+"/initramfs", image, 0o644); err != nil {
		t.Fatal(err)
	}
	d := smallDisk(t, dir)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	s := survivor{t: t, disk: d, reset: 400 * time.Millisecond}
	for n := range cuts {
		u := powerUML(t, dir, d)
		if n%2 == 0 {
			u.wait("reset begins")
			time.Sleep(time.Duration(chance.Int64N(int64(s.reset) * 5 / 4)))
		} else {
			u.wait("UML SYNCED")
			time.Sleep(time.Duration(chance.IntN(1500)) * time.Millisecond)
		}
		u.cut()
		s.look(n, u.lines)
		if n%10 == 9 {
			s.check()
		}
	}
	t.Logf("%d cuts: %d resets done, %d healed at the next boot: %v", cuts, s.done, len(s.healed), s.healed)
	if s.done < cuts/3 || s.synced == 0 {
		t.Errorf("only %d resets were done, %d numbers written", s.done, s.synced)
	}
}

// smallDisk makes a converted machine's disk without a system on it.
func smallDisk(t *testing.T, dir string) string {
	t.Helper()
	img, top := filepath.Join(dir, "disk"), filepath.Join(dir, "top")
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, 1<<30); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.btrfs", "--quiet", img)
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", "-o", "loop", img, top)
	defer run(t, "umount", top)
	for _, v := range []string{"@rootfs", "@persist"} {
		run(t, "btrfs", "-q", "subvolume", "create", top+"/"+v)
	}
	release := strings.TrimSpace(run(t, "linux.uml", "--version"))
	for p, text := range map[string]string{
		"@rootfs/etc/issue": "base\n", "@rootfs/persist/.keep": "", "@rootfs/usr/lib/modules/" + release + "/modules.dep": "",
		"@persist/srv/data/synced": "", "@persist/etc/conf": "conf\n",
	} {
		p = filepath.Join(top, p)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, err := root.Create(top, root.Ledger{Backend: decl.Btrfs, Root: "@rootfs", Store: "@persist", StorePath: "/persist"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	recordPlan(t, top)
	return img
}

// recordPlan writes the boot plan into the store, as apply does.
func recordPlan(t *testing.T, top string) {
	t.Helper()
	tree, err := sys.OpenTree(top)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	bp := &plan.Boot{
		Format: plan.Format, Host: "small", Backend: decl.Btrfs, Reset: decl.ResetOn, Archive: decl.Archive{Count: 10, Days: 30},
		Stores: []plan.BootStore{{Path: "/persist", Subvol: "@persist", Need: decl.Required}},
		Entries: []plan.Step{
			{Kind: plan.Bind, Path: "/etc/conf", Store: "/persist", Source: "/persist/etc/conf"},
			{Kind: plan.Bind, Path: "/srv/data", Store: "/persist", Source: "/persist/srv/data", Dir: true},
		},
	}
	err = apply.Run(tree, &plan.Plan{Steps: []plan.Step{{Kind: plan.Record, Path: "/@persist/.anicca/current", Store: "/@persist", Boot: bp}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// uml is one run of the small machine.
type uml struct {
	t     *testing.T
	cmd   *exec.Cmd
	said  chan string
	lines []string
}

func powerUML(t *testing.T, dir, disk string) *uml {
	t.Helper()
	u := &uml{t: t, said: make(chan string, 10000)}
	u.cmd = exec.Command("linux.uml", "mem=256M", "ubda="+disk, "initrd="+dir+"/initramfs", "rdinit=/init",
		"con=null", "con0=fd:0,fd:1", "ssl=null", "console=tty0", "panic=-1", "loglevel=5")
	u.cmd.Dir = dir
	u.cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	u.cmd.Stderr = u.cmd.Stdout
	u.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		sc := bufio.NewScanner(io.Reader(out))
		for sc.Scan() {
			u.said <- strings.TrimRight(sc.Text(), "\r")
		}
		close(u.said)
	}()
	t.Cleanup(u.cut)
	return u
}

// wait waits until a line holds the marker.
func (u *uml) wait(marker string) {
	u.t.Helper()
	for end := time.After(time.Minute); ; {
		select {
		case line, ok := <-u.said:
			if !ok {
				u.t.Fatalf("the machine ended before %q:\n%s", marker, tail(strings.Join(u.lines, "\n")))
			}
			u.lines = append(u.lines, line)
			if strings.Contains(line, marker) {
				return
			}
			if strings.Contains(line, "UML FAILED") {
				u.t.Fatalf("%s\n%s", line, tail(strings.Join(u.lines, "\n")))
			}
		case <-end:
			u.t.Fatalf("%q was not said:\n%s", marker, tail(strings.Join(u.lines, "\n")))
		}
	}
}

// cut ends the machine, its own process group and no other, between two instructions.
func (u *uml) cut() {
	if u.cmd.ProcessState != nil {
		return
	}
	_ = syscall.Kill(-u.cmd.Process.Pid, syscall.SIGKILL)
	for line := range u.said {
		u.lines = append(u.lines, line)
	}
	_ = u.cmd.Wait()
}

// survivor keeps what was true of the machine so far.
type survivor struct {
	t       *testing.T
	disk    string
	synced  int // the highest number that the machine said is on the disk
	counter int
	done    int
	reset   time.Duration // of the last reset, from its first step to its last
	healed  []string
}

// look judges one boot by what it said before the power was cut.
func (s *survivor) look(n int, lines []string) {
	s.t.Helper()
	var record strings.Builder
	found := ""
	for _, l := range lines {
		if text, ok := strings.CutPrefix(l, "RECORD "); ok {
			record.WriteString(text)
		}
		if _, text, ok := strings.Cut(l, "UML FOUND "); ok {
			found = text
		}
	}
	if found != "" {
		s.judge(n, found, record.String())
	}
	for _, l := range lines {
		if _, text, ok := strings.Cut(l, "UML SYNCED "); ok {
			if i := number(text); i > s.synced {
				s.synced = i
			}
		}
	}
}

func (s *survivor) judge(n int, found, record string) {
	s.t.Helper()
	var r boot.Record
	if err := json.Unmarshal([]byte(record), &r); err != nil {
		s.t.Fatalf("boot %d: record: %v\n%s", n, err, record)
	}
	if r.Outcome != boot.Done || !r.Verified || !r.OK() || len(r.Entries) != 2 {
		s.t.Errorf("boot %d: %s", n, record)
	}
	if r.Made != nil {
		if r.Made.Counter <= s.counter {
			s.t.Errorf("boot %d: reset %d comes after reset %d", n, r.Made.Counter, s.counter)
		}
		s.counter = r.Made.Counter
		s.done++
		for _, step := range r.Steps {
			if step.Name == "reset" {
				s.reset = time.Duration(step.MS*1000) * time.Microsecond
			}
		}
		if s.done == 1 {
			s.t.Logf("a reset: %v, %+v", s.reset, r.Made.Steps)
		}
	}
	s.healed = append(s.healed, r.Recovered...)
	var junk, synced int
	if _, err := fmt.Sscanf(found, `junk=%d issue="base\n" synced=%d conf="conf\n"`, &junk, &synced); err != nil {
		s.t.Errorf("boot %d found %s", n, found)
	}
	if junk != 0 {
		s.t.Errorf("boot %d: %d undeclared files are still there", n, junk)
	}
	if synced < s.synced {
		s.t.Errorf("boot %d: %d was said to be on the disk, %d is there", n, s.synced, synced)
	}
}

// check lets btrfs check the disk, and holds the ledger against what lies there.
func (s *survivor) check() {
	s.t.Helper()
	run(s.t, "btrfs", "check", "--readonly", s.disk)
	dir := s.t.TempDir()
	top := dir + "/top"
	if err := os.Mkdir(top, 0o755); err != nil {
		s.t.Fatal(err)
	}
	run(s.t, "cp", "--sparse=always", s.disk, dir+"/copy") // mounting replays the log: that is for the machine to do
	run(s.t, "mount", "-o", "loop", dir+"/copy", top)
	defer run(s.t, "umount", top)
	for _, p := range []string{"@rootfs/etc/issue", "@persist/etc/conf", "anicca/base/1/etc/issue", "anicca/ledger.json"} {
		if _, err := os.Stat(filepath.Join(top, p)); err != nil {
			s.t.Error(err)
		}
	}
	var l root.Ledger
	data, err := os.ReadFile(top + "/anicca/ledger.json")
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range l.Archive {
		if _, err := os.Stat(filepath.Join(top, "anicca/archive", o.ID, "etc/issue")); err != nil {
			s.t.Errorf("the ledger names an old root that is not there: %v", err)
		}
	}
	for _, o := range l.Leftovers {
		if _, err := os.Stat(filepath.Join(top, "anicca/work", o.ID)); err != nil {
			s.t.Errorf("the ledger names a leftover that is not there: %v", err)
		}
	}
}
