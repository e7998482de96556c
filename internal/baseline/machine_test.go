package baseline_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// machine is a root on btrfs, with a store, a base and a ledger, in which the real program runs.
type machine struct {
	t    *testing.T
	root string
	disk *root.Disk
}

// newMachine makes a machine with a declaration, on which bird and fish live, and makes base 1 of it.
func newMachine(t *testing.T, declaration string) *machine {
	t.Helper()
	top := nstest.Image(t, "btrfs")
	m := &machine{t: t, root: filepath.Join(nstest.Memory(t), "m")}
	tree, err := sys.OpenTree(top)
	m.must(err)
	defer tree.Close()
	for _, v := range []string{"@rootfs", "@persist"} {
		m.must(tree.CreateSubvolume(v))
	}
	m.must(os.Mkdir(m.root, 0o755))
	device, err := sys.DeviceOf(top)
	m.must(err)
	m.host("mount", "-o", "subvol=@rootfs", device, m.root)
	t.Cleanup(func() { m.host("umount", "-R", "-l", m.root) })
	for _, d := range []string{"persist", "proc", "dev", "run", "tmp", "opt"} {
		m.must(os.Mkdir(filepath.Join(m.root, d), 0o755))
	}
	m.host("mount", "-o", "subvol=@persist", device, m.root+"/persist")
	m.host("mount", "-t", "proc", "proc", m.root+"/proc")
	m.host("mount", "--rbind", "/dev", m.root+"/dev")
	m.host("mount", "--make-rslave", m.root+"/dev")
	m.write(0, "etc/passwd", "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/sh\nfish:x:1001:1001::/home/fish:/bin/sh\n")
	m.write(0, "etc/group", "root:x:0:\nbird:x:1000:\nfish:x:1001:\n")
	m.write(0, "etc/anicca/host.cue", declaration)
	build := exec.Command("go", "build", "-o", m.root+"/opt/anicca", "anicca/cmd/anicca")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, p := range []string{"Documents/old", ".config/app/a", ".config/app/b", "letter", "moved/x"} {
		m.write(1000, "home/bird/"+p, "base\n")
		m.write(1001, "home/fish/"+p, "base\n")
	}
	m.disk, err = root.Create(top, root.Ledger{Backend: decl.Btrfs, Root: "@rootfs", Store: "@persist", StorePath: "/persist"}, time.Now())
	m.must(err)
	t.Cleanup(func() { m.disk.Close() })
	if out, code := m.anicca(0, "apply", "--yes"); code != 0 {
		t.Fatal(out)
	}
	_, err = m.disk.MakeBase(nil, time.Now())
	m.must(err)
	return m
}

// anicca runs the program in the machine, as a user.
func (m *machine) anicca(uid int, args ...string) (out string, code int) {
	m.t.Helper()
	cmd := exec.Command("/opt/anicca", args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	text, err := cmd.CombinedOutput()
	exit, failed := errors.AsType[*exec.ExitError](err)
	if err != nil && !failed {
		m.t.Fatal(err)
	}
	if failed {
		code = exit.ExitCode()
	}
	return string(text), code
}

// says runs it and wants some lines to be there, and others, with a - before them, not to be.
func (m *machine) says(uid, code int, args []string, want ...string) {
	m.t.Helper()
	out, got := m.anicca(uid, args...)
	if got != code {
		m.t.Errorf("%v: exit code %d, want %d:\n%s", args, got, code, out)
	}
	flat := strings.Join(strings.Fields(out), " ")
	for _, w := range want {
		w, no := strings.CutPrefix(w, "-")
		if strings.Contains(flat, w) == no {
			m.t.Errorf("%v: is %q there? %v:\n%s", args, w, no, out)
		}
	}
}

func (m *machine) write(uid int, p, text string) {
	m.t.Helper()
	at := m.root
	dirs := strings.Split(p, "/")
	for i, d := range dirs[:len(dirs)-1] {
		at = filepath.Join(at, d)
		if err := os.Mkdir(at, 0o755); err == nil && (dirs[0] != "home" || i > 0) {
			m.must(os.Chown(at, uid, uid))
		} else if err != nil && !errors.Is(err, os.ErrExist) {
			m.t.Fatal(err)
		}
	}
	m.must(os.WriteFile(filepath.Join(m.root, p), []byte(text), 0o644))
	m.must(os.Chown(filepath.Join(m.root, p), uid, uid))
}

func (m *machine) host(name string, args ...string) {
	m.t.Helper()
	var text bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		m.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, text.String())
	}
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func declaration(more string) string {
	return "root: {backend: \"btrfs\", reset: \"on\"}\npersist: \"/persist\": {\n" + more + "\n}\nignore: {\"~/noise\": {}, \"/home/fish/hush\": {}}\n"
}

// A user sees without root what the next reset drops of their own home, and nothing of others'.
func TestUser(t *testing.T) {
	m := newMachine(t, declaration(`users: bird: {directories: Documents: {}, files: ".screenrc": {}}`))
	m.says(1000, 1, []string{"review", "--user"}, "not known to users yet", "sudo anicca review --baseline")
	m.says(1000, 1, []string{"review", "--since-boot"}, "add --user")
	m.says(1000, 1, []string{"review"}, "the base is root's alone: run it with sudo, or add --user")
	m.write(1000, "home/bird/.ssh/id_early", "x")
	m.says(0, 0, []string{"review", "--baseline"}, "leaves out what has changed so far: 1 change")
	m.says(1000, 0, []string{"review", "--user"}, "credentials 1 B", "/home/bird/.ssh")
	m.says(1000, 0, []string{"review", "--user", "--since-boot"}, "nothing: nothing has come since the baseline of 0min ago")

	m.write(1000, "home/bird/Documents/kept", "x")
	m.write(1000, "home/bird/.screenrc", "carried")
	m.write(1000, "home/bird/letter", "changed\n")
	m.write(1000, "home/bird/.config/new/conf", "x")
	m.write(1000, "home/bird/.config/new/tls.key", "x")
	m.write(1000, "home/bird/noise/x", "x")
	m.write(1000, "home/bird/thesis/1/text", strings.Repeat("x", 5000))
	m.write(0, "home/bird/by-sudo", "x")
	m.write(0, "home/bird/closed/x", "x")
	m.must(os.Chmod(m.root+"/home/bird/closed", 0o700))
	m.must(os.Chmod(m.root+"/home/bird/.config/app/a", 0o600))
	m.must(os.Rename(m.root+"/home/bird/moved", m.root+"/home/bird/renamed"))
	m.must(os.Remove(m.root + "/home/bird/.config/app/b"))
	m.write(1001, "home/fish/.ssh/id_rsa", "x")
	m.write(1001, "home/fish/hush", "x")
	m.write(0, "etc/new", "x")

	all := []string{"review", "--user", "--all"}
	m.says(1000, 0, all,
		"modified 8 B 1 0min /home/bird/letter", "added 1 B 1 0min /home/bird/.config/new/tls.key", "added 4.9 KiB 1 0min /home/bird/thesis ",
		"modified 5 B 1 0min /home/bird/.config/app/a", "/home/bird/by-sudo", "you may not look into /home/bird/closed",
		"-Documents", "-screenrc", "-fish", "-/etc", "-added 1 B 1 0min /home/bird/noise", "-/home/bird/.config/app/b", "-renamed/x")
	m.says(1000, 0, []string{"review", "--user"}, "The next reset would drop", "in /home/bird (compared with base 1)", "WRITTEN BY", "/home/bird/by-sudo +1 as root")
	m.says(1000, 0, []string{"review", "--user", "--noise"}, "/home/bird/noise ~/noise")
	m.says(1000, 4, []string{"review", "--user", "--quiet"})
	m.says(1000, 0, []string{"review", "--user", "--json"}, `"home": "/home/bird"`, `"owner": "root"`)
	m.says(1001, 0, []string{"review", "--user"}, "/home/fish/.ssh", "-bird")

	// What is kept and what is not is known at once.
	m.says(0, 0, []string{"keep", "/home/bird/thesis", "--yes"})
	m.says(1000, 0, all, "-thesis", "letter")
	m.says(0, 0, []string{"keep", "/home/fish", "--yes"})
	m.says(1001, 0, []string{"review", "--user"}, "nothing: /home/fish is kept as a whole")
	m.says(0, 0, []string{"forget", "/home/bird/thesis", "--yes"})
	m.says(1000, 0, all, "thesis")
	m.says(0, 0, []string{"base", "new"})
	m.says(1000, 0, all, "-letter", "-thesis")
}

// What the boot has changed by itself is left out; what changes afterwards is told, even if it changes for a second time.
func TestSinceBoot(t *testing.T) {
	m := newMachine(t, declaration(`directories: "/srv": {}`))
	since := []string{"review", "--since-boot", "--all"}
	m.write(0, "etc/by-boot", "x")
	m.write(0, "etc/twice", "x")
	m.write(0, "var/lib/app/state", "x")
	m.must(os.Remove(m.root + "/home/bird/letter"))
	m.says(0, 1, since, "there is no baseline of this boot yet", "sudo anicca review --baseline")
	m.says(0, 0, []string{"review", "--baseline"}, "leaves out what has changed so far: 4 changes")
	m.says(0, 0, since, "-by-boot")
	m.says(0, 0, []string{"review", "--since-boot"}, "nothing: nothing has come since the baseline of 0min ago")
	m.says(0, 0, []string{"review", "--since-boot", "--quiet"})
	m.write(0, "var/lib/app/lock", "x")
	m.must(os.Remove(m.root + "/var/lib/app/lock"))
	m.says(0, 0, []string{"review", "--since-boot", "--quiet"})

	m.write(0, "etc/later", "x")
	m.write(0, "etc/twice", "y")
	m.must(os.Remove(m.root + "/home/fish/letter"))
	m.says(0, 0, since, "added 1 B 1 0min /etc/later", "added 1 B 1 0min /etc/twice", "deleted 5 B 1 0min /home/fish/letter", "-by-boot", "-bird", "-/var")
	m.says(0, 0, []string{"review", "--all"}, "by-boot", "later", "/home/bird/letter")
	m.says(0, 4, []string{"review", "--since-boot", "--quiet"})
	m.says(0, 0, []string{"review", "--since-boot", "--json"}, fmt.Sprintf(`"since": %d`, time.Now().Unix())[:14])

	// One of another boot is none.
	p := m.root + "/run/anicca/baseline.json"
	data, err := os.ReadFile(p)
	m.must(err)
	m.must(os.WriteFile(p, bytes.Replace(data, []byte(sys.BootID()), []byte("another"), 1), 0o600))
	m.says(0, 1, since, "there is no baseline of this boot yet")
}
