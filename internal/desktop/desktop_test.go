package desktop_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func declare(entry string) string {
	return "persist: \"/persist\": users: bird: {\n\tdirectories: {Documents: " + entry + ", Music: " + entry + "}\n" +
		"\tfiles: \".config/app.conf\": method: \"bind\"\n}\n"
}

// ways are how kept directories can be laid out.
var ways = []struct{ layout, method string }{{"btrfs", "bind"}, {"btrfs", "symlink"}, {"ext4", "bind"}, {"ext4", "symlink"}}

func applied(t *testing.T, layout, method string) *machine {
	t.Helper()
	m := newMachine(t, layout, declare(`{method: "`+method+`"}`))
	m.write("home/bird/.config/app.conf", "x\n")
	m.host("chown", "-R", "1000:1000", m.root+"/home/bird/.config")
	m.anicca("apply", "--yes")
	return m
}

// gio returns the version of GLib, as major*1000+minor.
func (m *machine) gio() int {
	m.t.Helper()
	m.needs("gio")
	out, err := m.bird("gio", "version")
	must(m.t, err)
	var major, minor int
	if _, err := fmt.Sscanf(out, "%d.%d", &major, &minor); err != nil {
		m.t.Fatal(out, err)
	}
	return major*1000 + minor
}

// What is trashed in a kept directory goes to a trash in the store, is listed with the rest, and comes back.
func TestTrash(t *testing.T) {
	for _, w := range ways {
		t.Run(w.layout+" "+w.method, func(t *testing.T) {
			m := applied(t, w.layout, w.method)
			version := m.gio()
			trash := "persist/home/bird/Documents/.Trash-1000"
			if w.method == "symlink" {
				trash = "persist/.Trash-1000"
			}
			if out, err := m.bird("gio", "trash", "/home/bird/loose"); err != nil || !m.exists("home/bird/.local/share/Trash/files/loose") {
				t.Errorf("in the home: %v: %s", err, out)
			}
			out, err := m.bird("gio", "trash", "/home/bird/Documents/a")
			if version < 2075 {
				if err == nil || !strings.Contains(out, "not supported") || !m.exists("persist/home/bird/Documents/a") {
					t.Errorf("%v: %s", err, out)
				}
				t.Skipf("needs a GLib that knows x-gvfs-trash, not %d.%d: point ANICCA_DESKTOP_ROOT to the root of a newer distribution", version/1000, version%1000)
			}
			if err != nil || !m.exists(trash+"/files/a") || m.exists("persist/home/bird/Documents/a") {
				t.Fatalf("%v: %s", err, out)
			}
			m.needs("dbus-run-session", "../libexec/gvfsd-trash")
			out, err = m.bird("dbus-run-session", "--", "sh", "-c",
				"for i in 1 2 3 4 5 6 7 8 9 10; do list=$(gio trash --list); case $list in *Documents*) break;; esac; sleep 1; done\n"+
					"echo \"$list\"; echo \"$list\" | cut -f1 | while read -r x; do gio trash --restore \"$x\"; done")
			if err != nil || !m.exists("persist/home/bird/Documents/a") || !m.exists("home/bird/loose") || m.exists(trash+"/files/a") {
				t.Errorf("restore: %v: %s", err, out)
			}
		})
	}
}

// The same with trash-cli, which looks for mounts itself.
func TestTrashCLI(t *testing.T) {
	for _, w := range ways {
		t.Run(w.layout+" "+w.method, func(t *testing.T) {
			m := applied(t, w.layout, w.method)
			m.needs("trash-put")
			trash := "persist/home/bird/Documents/.Trash-1000"
			if w.method == "symlink" {
				trash = "persist/.Trash-1000"
			}
			if out, err := m.bird("trash-put", "/home/bird/Documents/a"); err != nil || !m.exists(trash+"/files/a") {
				t.Errorf("%v: %s", err, out)
			}
			if out := m.anicca("orphans"); strings.Contains(out, "rash") {
				t.Errorf("a trash is called an orphan: %s", out)
			}
		})
	}
}

// A whole home that is kept has its trash as always, with every GLib.
func TestTrashOfWholeHome(t *testing.T) {
	for _, layout := range []string{"btrfs", "ext4"} {
		m := newMachine(t, layout, "persist: \"/persist\": directories: \"/home/bird\": {}\n")
		m.anicca("apply", "--yes")
		m.gio()
		out, err := m.bird("gio", "trash", "/home/bird/Documents/a")
		if err != nil || !m.exists("persist/home/bird/.local/share/Trash/files/a") {
			t.Errorf("%s: %v: %s", layout, err, out)
		}
	}
}

// What is said of a kept trash is so.
func TestKeptTrash(t *testing.T) {
	m := newMachine(t, "btrfs", "persist: \"/persist\": users: bird: directories: \".local/share\": {}\n")
	m.gio()
	if out := m.anicca("apply", "--yes"); !strings.Contains(out, "the trash of the home lies in it") {
		t.Errorf("nothing was said: %s", out)
	}
	if out, err := m.bird("gio", "trash", "/home/bird/loose"); err == nil || !m.exists("home/bird/loose") {
		t.Errorf("trashed: %s", out)
	}
}

// Kept directories and files are no drives; a disk that is mounted in a home is one.
func TestHidden(t *testing.T) {
	m := applied(t, "ext4", "bind")
	m.gio()
	stick := m.root + "/home/bird/Stick"
	must(t, os.WriteFile(m.root+"/stick", nil, 0o600))
	must(t, os.Truncate(m.root+"/stick", 8<<20))
	must(t, os.Mkdir(stick, 0o755))
	m.host("mkfs.ext4", "-q", m.root+"/stick")
	m.host("mount", "-o", "loop", m.root+"/stick", stick)
	out, err := m.bird("gio", "mount", "-li")
	if err != nil || !strings.Contains(out, "Stick") || strings.Contains(out, "Documents") || strings.Contains(out, "persist") || strings.Contains(out, "app.conf") {
		t.Errorf("%v: %s", err, out)
	}
	for p, want := range map[string]string{"Documents": "x-gvfs-hide,x-gvfs-trash", ".config/app.conf": "x-gvfs-hide"} {
		out, err := m.bird("findmnt", "--mtab", "-no", "OPTIONS", "/home/bird/"+p)
		if err != nil || !strings.HasSuffix(strings.TrimSpace(out), ","+want) {
			t.Errorf("%s: %v: %s", p, err, out)
		}
	}
	m.write("etc/anicca/host.cue", "root: backend: \"overlay\"\n"+declare("{hideMounts: false, allowTrash: false}"))
	m.anicca("apply", "--yes")
	if out, err := m.bird("findmnt", "--mtab", "-no", "OPTIONS", "/home/bird/Documents"); err != nil || strings.Contains(out, "x-gvfs") {
		t.Errorf("after it was switched off: %v: %s", err, out)
	}
}

// Between two links mv renames. Between two mounts it makes another file, of the same data where the filesystem can share it.
func TestMove(t *testing.T) {
	need(t, "filefrag")
	for _, w := range []struct {
		layout, method string
		renames        bool
		shares         bool
	}{
		{"btrfs", "symlink", true, true},
		{"ext4", "symlink", true, true},
		{"btrfs", "bind", false, true},
		{"xfs", "bind", false, true},
		{"ext4", "bind", false, false},
	} {
		t.Run(w.layout+" "+w.method, func(t *testing.T) {
			m := applied(t, w.layout, w.method)
			from, to := m.root+"/persist/home/bird/Documents/big", m.root+"/persist/home/bird/Music/big"
			was, where := inode(t, from), extents(t, from)
			if out, err := m.bird("mv", "Documents/big", "Music/"); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			m.host("sync", "-f", to)
			if renamed := inode(t, to) == was; renamed != w.renames {
				t.Errorf("renamed: %v", renamed)
			}
			if shared := extents(t, to) == where; shared != w.shares {
				t.Errorf("the data is where it was: %v; was %s, is %s", shared, where, extents(t, to))
			}
			if entries, err := os.ReadDir(filepath.Dir(from)); err != nil || len(entries) != 1 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	}
}

func inode(t *testing.T, p string) uint64 {
	t.Helper()
	var s syscall.Stat_t
	must(t, syscall.Lstat(p, &s))
	return s.Ino
}

// physical is where an extent lies on the disk, as filefrag prints it.
var physical = regexp.MustCompile(`(?m)^ +\d+: +\d+\.\. +\d+: +(\d+)\.\.`)

func extents(t *testing.T, p string) string {
	t.Helper()
	out, err := exec.Command("filefrag", "-v", p).CombinedOutput()
	must(t, err)
	var at []string
	for _, m := range physical.FindAllStringSubmatch(string(out), -1) {
		at = append(at, m[1])
	}
	if len(at) == 0 {
		t.Fatalf("no extents: %s", out)
	}
	return strings.Join(at, " ")
}
