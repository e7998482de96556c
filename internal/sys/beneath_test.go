package sys_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// What a mount covers can be read and filled, while the mount stays as it is.
func TestBeneath(t *testing.T) {
	nstest.Need(t)
	d, dir := tree(t)
	write(t, filepath.Join(dir, "at/old"), "old", 0o644)
	write(t, filepath.Join(dir, "kept/new"), "new", 0o640)
	must(t, sys.Bind(d, "kept", d, "at", nil))
	defer d.Unmount("at", true)
	beside, err := d.Beneath(".")
	must(t, err)
	defer beside.Close()
	covered, err := beside.ReadFile("at/old")
	must(t, err)
	if string(covered) != "old" {
		t.Errorf("beneath lies %q", covered)
	}
	under, err := beside.Sub("at")
	must(t, err)
	defer under.Close()
	kept, err := d.Sub("kept")
	must(t, err)
	defer kept.Close()
	must(t, sys.Refill(kept, under))
	if read(t, filepath.Join(dir, "at/new")) != "new" {
		t.Error("the mount is not what it was")
	}
	must(t, d.Unmount("at", false))
	if diff, err := sys.Compare(d, "kept", d, "at", 10); err != nil || len(diff) > 0 {
		t.Errorf("%v, %v", diff, err)
	}
}

// A refilled directory is the other one: hard links, modes, times, attributes, and nothing else in it.
func TestRefill(t *testing.T) {
	d, dir := tree(t)
	write(t, filepath.Join(dir, "src/a"), "a", 0o640)
	must(t, os.Link(filepath.Join(dir, "src/a"), filepath.Join(dir, "src/same")))
	write(t, filepath.Join(dir, "src/sub/b"), "b", 0o4755)
	must(t, os.Symlink("nowhere", filepath.Join(dir, "src/link")))
	attr := unix.Setxattr(filepath.Join(dir, "src"), "user.x", []byte("1"), 0)
	must(t, os.Chmod(filepath.Join(dir, "src"), 0o711))
	write(t, filepath.Join(dir, "dst/a/was a directory"), "", 0o644)
	write(t, filepath.Join(dir, "dst/extra"), "", 0o644)
	src, err := d.Sub("src")
	must(t, err)
	defer src.Close()
	dst, err := d.Sub("dst")
	must(t, err)
	defer dst.Close()
	must(t, sys.Refill(src, dst))
	if diff, err := sys.Compare(d, "src", d, "dst", 10); err != nil || len(diff) > 0 {
		t.Errorf("%v, %v", diff, err)
	}
	_, a := lstat(t, filepath.Join(dir, "dst/a"))
	_, same := lstat(t, filepath.Join(dir, "dst/same"))
	if a.Ino != same.Ino {
		t.Error("two names of one file became two files")
	}
	if buf := make([]byte, 8); attr == nil {
		if n, err := unix.Getxattr(filepath.Join(dir, "dst"), "user.x", buf); err != nil || string(buf[:n]) != "1" {
			t.Errorf("attribute: %v", err)
		}
	}

	// And it catches up with what is changed later, also with what is gone.
	write(t, filepath.Join(dir, "src/sub/c"), "c", 0o644)
	must(t, os.Remove(filepath.Join(dir, "src/link")))
	must(t, os.RemoveAll(filepath.Join(dir, "src/sub/b")))
	must(t, os.Mkdir(filepath.Join(dir, "src/sub/b"), 0o755))
	must(t, sys.CatchUp(src, dst))
	if diff, err := sys.Compare(d, "src", d, "dst", 10); err != nil || len(diff) > 0 {
		t.Errorf("after catching up: %v, %v", diff, err)
	}
}

// Programs are found by an open file, by where they work, and by what they run; also in other
// mount namespaces. Who uses the same files by another path, or a neighbour, is none.
func TestMountHolders(t *testing.T) {
	nstest.Need(t)
	d, dir := tree(t)
	sleep, err := exec.LookPath("sleep")
	must(t, err)
	program, err := os.ReadFile(sleep)
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(dir, "kept"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "kept/sleep"), program, 0o755))
	write(t, filepath.Join(dir, "kept/file"), "x", 0o644)
	must(t, os.Mkdir(filepath.Join(dir, "at"), 0o755))
	must(t, sys.Bind(d, "kept", d, "at", nil))
	defer d.Unmount("at", true)
	at := filepath.Join(dir, "at")
	for name, c := range map[string]struct {
		shell, use string
	}{
		"open":      {"exec 3<" + at + "/file; echo; exec sleep 60", "has " + at + "/file open"},
		"works":     {"cd " + at + "; echo; exec sleep 60", "works in it"},
		"runs":      {"echo; exec " + at + "/sleep 60", "was started from it"},
		"elsewhere": {"exec unshare -m sh -c 'exec 3<" + at + "/file; echo; exec sleep 60'", "has " + at + "/file open"},
		"kept":      {"exec 3<" + dir + "/kept/file; echo; exec sleep 60", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("sh", "-c", c.shell)
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			if _, err := out.Read(make([]byte, 1)); err != nil {
				t.Fatal("the program did not come as far:", err)
			}
			var found []sys.Holder
			for range 200 { // it has said that it begins, and execs then
				found, err = d.MountHolders("at")
				must(t, err)
				if len(found) == 1 && found[0].Use == c.use || c.use == "" {
					break
				}
			}
			if c.use == "" {
				if len(found) != 0 {
					t.Errorf("%+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].PID != cmd.Process.Pid || found[0].Use != c.use || !strings.Contains(found[0].Name, "s") {
				t.Errorf("%+v", found)
			}
		})
	}
}

// A mapped file holds a mount, also when it is closed; a file that is linked to is found by itself.
func TestHoldersOfFiles(t *testing.T) {
	nstest.Need(t)
	d, dir := tree(t)
	write(t, filepath.Join(dir, "kept/file"), "x", 0o644)
	must(t, os.Mkdir(filepath.Join(dir, "at"), 0o755))
	must(t, sys.Bind(d, "kept", d, "at", nil))
	defer d.Unmount("at", true)
	f, err := os.Open(filepath.Join(dir, "at/file"))
	must(t, err)
	if found, err := d.FileHolders("kept/file"); err != nil || len(found) != 1 || found[0].PID != os.Getpid() {
		t.Errorf("%+v, %v", found, err)
	}
	page, err := unix.Mmap(int(f.Fd()), 0, 1, unix.PROT_READ, unix.MAP_PRIVATE)
	must(t, err)
	must(t, f.Close())
	found, err := d.MountHolders("at")
	if err != nil || len(found) != 1 || found[0].Use != "has files of it in memory" {
		t.Errorf("%+v, %v", found, err)
	}
	if err := d.Unmount("at", false); !sys.IsBusy(err) {
		t.Errorf("the kernel says %v", err)
	}
	must(t, unix.Munmap(page))
	if found, err := d.MountHolders("at"); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
