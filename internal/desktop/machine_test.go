// Package desktop_test asks real programs of desktops what they see of kept directories.
package desktop_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"anicca/internal/nstest"
)

func TestMain(m *testing.M) {
	nstest.Apart()
	os.Exit(m.Run())
}

// machine is a root directory with a store, on an image of its own, and the programs of this machine or of another distribution.
type machine struct {
	t    *testing.T
	root string
}

// program is the anicca that is tested; it is built once.
var program string

// others is the root directory of another distribution, whose programs are used: ./test makes one that has a newer GLib.
var others = os.Getenv("ANICCA_DESKTOP_ROOT")

// newMachine makes a machine in which bird has a home, with a file in each of Documents and Music, and applies a declaration to it.
// The layout is "btrfs", or the filesystem that lies below an overlay.
func newMachine(t *testing.T, layout, declaration string) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts images on loop devices")
	}
	need(t, "mkfs."+layout, "mount", "chroot", "setpriv", "findmnt")
	if _, err := os.Readlink(filepath.Join(others, "/bin")); err != nil {
		t.Skip("needs a machine with all programs in /usr")
	}
	dir := nstest.Memory(t)
	image, top := filepath.Join(dir, "image"), filepath.Join(dir, "top")
	m := &machine{t, filepath.Join(dir, "m")}
	for _, d := range []string{top, m.root} {
		must(t, os.Mkdir(d, 0o755))
	}
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 400<<20))
	m.host("mkfs."+layout, "-q", image)
	m.host("mount", "-o", "loop", image, top)
	t.Cleanup(func() { m.host("umount", "-l", top) })
	store := filepath.Join(m.root, "persist")
	if layout == "btrfs" {
		m.host("btrfs", "-q", "subvolume", "create", top+"/@")
		m.host("btrfs", "-q", "subvolume", "create", top+"/@persist")
		device := strings.TrimSpace(m.host("findmnt", "-no", "SOURCE", top))
		m.host("mount", "-o", "subvol=@", device, m.root)
		must(t, os.Mkdir(store, 0o755))
		m.host("mount", "-o", "subvol=@persist", device, store)
	} else {
		for _, d := range []string{"base", "upper", "work", "persist"} {
			must(t, os.Mkdir(filepath.Join(top, d), 0o755))
		}
		m.host("mount", "-t", "overlay", "-o", "lowerdir="+top+"/base,upperdir="+top+"/upper,workdir="+top+"/work", "overlay", m.root)
		must(t, os.Mkdir(store, 0o755))
		m.host("mount", "--bind", top+"/persist", store)
	}
	t.Cleanup(func() { m.host("umount", "-R", "-l", m.root) })
	m.furnish()
	backend := "overlay"
	if layout == "btrfs" {
		backend = "btrfs"
	}
	m.write("etc/anicca/host.cue", "root: backend: \""+backend+"\"\n"+declaration)
	for p, text := range map[string]string{"Documents/a": "a", "Documents/big": strings.Repeat("data", 256<<10), "Music/b": "b", "loose": "c"} {
		m.write("home/bird/"+p, text)
	}
	m.host("chown", "-R", "1000:1000", m.root+"/home/bird")
	m.host("sync", "-f", m.root)
	return m
}

// furnish gives the machine the programs, and what they want to be there.
func (m *machine) furnish() {
	m.t.Helper()
	for _, d := range []string{"usr", "proc", "dev", "run/user/1000", "tmp", "etc", "home/bird", "opt"} {
		must(m.t, os.MkdirAll(filepath.Join(m.root, d), 0o755))
	}
	must(m.t, os.Chmod(m.root+"/tmp", 0o1777))
	must(m.t, os.Chown(m.root+"/run/user/1000", 1000, 1000))
	m.host("mount", "--rbind", others+"/usr", m.root+"/usr")
	m.host("mount", "--make-rslave", m.root+"/usr")
	for _, l := range []string{"bin", "sbin", "lib", "lib64"} {
		if target, err := os.Readlink(others + "/" + l); err == nil {
			must(m.t, os.Symlink(target, filepath.Join(m.root, l)))
		}
	}
	m.host("mount", "-t", "proc", "proc", m.root+"/proc")
	m.host("mount", "--rbind", "/dev", m.root+"/dev")
	for _, p := range []string{"etc/dbus-1", "etc/ld.so.cache", "etc/alternatives"} {
		if _, err := os.Stat(others + "/" + p); err == nil {
			m.host("cp", "-a", others+"/"+p, m.root+"/etc/")
		}
	}
	m.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nmessagebus:x:100:100::/:/bin/false\nbird:x:1000:1000::/home/bird:/bin/sh\n")
	m.write("etc/group", "root:x:0:\nmessagebus:x:100:\nbird:x:1000:\n")
	m.write("etc/os-release", "ID=debian\n")
	m.write("etc/fstab", "")
	if program == "" {
		at, err := os.MkdirTemp("/run/anicca", "program-")
		must(m.t, err)
		program = at + "/anicca"
		build := exec.Command("go", "build", "-o", program, "anicca/cmd/anicca")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			m.t.Fatalf("%v: %s", err, out)
		}
	}
	m.host("cp", program, m.root+"/opt/anicca")
}

func (m *machine) write(p, text string) {
	m.t.Helper()
	p = filepath.Join(m.root, p)
	must(m.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(m.t, os.WriteFile(p, []byte(text), 0o644))
}

// anicca runs a verb in the machine, as root.
func (m *machine) anicca(args ...string) string {
	m.t.Helper()
	return m.host("chroot", append([]string{m.root, "/opt/anicca"}, args...)...)
}

// bird runs a program in the machine, as the user.
func (m *machine) bird(args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Path = "/usr/bin/" + args[0]
	cmd.Err = nil
	cmd.Dir = "/home/bird"
	cmd.Env = []string{"HOME=/home/bird", "USER=bird", "PATH=/usr/bin:/usr/sbin", "LC_ALL=C.UTF-8", "XDG_RUNTIME_DIR=/run/user/1000"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root, Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// needs skips the test where the machine does not have a program.
func (m *machine) needs(programs ...string) {
	m.t.Helper()
	for _, p := range programs {
		if _, err := os.Stat(m.root + "/usr/bin/" + p); err != nil {
			m.t.Skip("needs " + p)
		}
	}
}

func (m *machine) exists(p string) bool {
	_, err := os.Lstat(filepath.Join(m.root, p))
	return err == nil
}

// host runs a program of this machine.
func (m *machine) host(name string, args ...string) string {
	m.t.Helper()
	var text bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		m.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, text.String())
	}
	return text.String()
}

func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("needs " + p)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
