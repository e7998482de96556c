package root

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/sys"
)

// lookEnv makes this program one that looks, until its input ends: at the disk that it names, with type and kind.
const lookEnv = "ANICCA_TEST_LOOK"

// lookOn is that program.
func lookOn(words string) error {
	w := strings.Fields(words)
	open := LookTop
	if w[2] == "work" {
		open = MountTop
	}
	top, done, err := open(w[0], w[1])
	if err != nil {
		return err
	}
	see := filepath.Join(top, "@rootfs")
	shut := func() error { return nil }
	if w[2] == "old" {
		d, err := Open(top)
		if err != nil {
			return err
		}
		defer d.Close()
		old, err := d.Archive()
		if err != nil {
			return err
		}
		if see, _, shut, err = d.OpenOld(old[0].ID, "/"); err != nil {
			return err
		}
	}
	fmt.Println(see)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if _, err := os.Stat(filepath.Join(see, "etc/issue")); err != nil {
		return err
	}
	if err := shut(); err != nil {
		return err
	}
	return done()
}

// looker is such a program that runs.
type looker struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.Closer
	sees string
}

func startLook(t *testing.T, device, fstype, kind string) looker {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s", lookEnv, device, fstype, kind))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sees, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return looker{t, cmd, in, strings.TrimSpace(sees)}
}

func (l looker) kill() {
	l.t.Helper()
	if err := l.cmd.Process.Kill(); err != nil {
		l.t.Fatal(err)
	}
	_ = l.cmd.Wait() // it was killed
}

func (l looker) end() {
	l.t.Helper()
	l.in.Close()
	if err := l.cmd.Wait(); err != nil {
		l.t.Errorf("who looked meanwhile: %v", err)
	}
}

func deviceOf(t *testing.T, top string) string {
	t.Helper()
	m, err := sys.MountAt(top)
	if err != nil {
		t.Fatal(err)
	}
	return m.Source
}

// cells is what lies in and is mounted in [runPrivate].
func cells(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "cd "+runPrivate+" && ls -A | grep -vx -e lock -e top; grep -o ' "+runPrivate+"/[^ ]*' /proc/self/mountinfo; true").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// What a program that was killed has left is taken away by the next one that looks; not what one still has that runs, nor what others
// have put there.
func TestLeftCellsGo(t *testing.T) {
	disk := newDisk(t)
	device := deviceOf(t, disk)
	plain := newPlainMachine(t, "ext4")
	plain.session(func() { write(t, filepath.Join(plain.root, "etc/issue"), "old\n") })
	plain.boot(Order{})
	plainDevice := deviceOf(t, plain.top)

	runs := []looker{startLook(t, device, "btrfs", "look"), startLook(t, plainDevice, "ext4", "old")}
	killed := []looker{startLook(t, device, "btrfs", "look"), startLook(t, plainDevice, "ext4", "old")}
	have := strings.Count(cells(t), lockExt)
	for _, l := range killed {
		l.kill()
	}
	if now := strings.Count(cells(t), lockExt); now != have || have != 6 {
		t.Fatalf("%d of %d cells are left before anybody looks:\n%s", now, have, cells(t))
	}
	for p, text := range map[string]string{"look-mine/file": "x", "old-notes": "x"} { // they have no lock
		write(t, filepath.Join(runPrivate, p), text)
	}
	for range 2 {
		_, done, err := LookTop(device, "btrfs")
		if err != nil {
			t.Fatal(err)
		}
		if err := done(); err != nil {
			t.Error(err)
		}
	}
	if now := strings.Count(cells(t), lockExt); now != 3 {
		t.Errorf("%d cells, want those of who runs:\n%s", now, cells(t))
	}
	for _, l := range runs {
		if got := read(t, filepath.Join(l.sees, "etc/issue")); got != "base\n" && got != "old\n" {
			t.Errorf("%s was taken from who looks there: %q", l.sees, got)
		}
		l.end()
	}
	if got := cells(t); got != "look-mine\nold-notes\n" {
		t.Errorf("when all have ended:\n%s", got)
	}
	for _, p := range []string{"look-mine", "old-notes"} {
		if err := os.RemoveAll(filepath.Join(runPrivate, p)); err != nil {
			t.Error(err)
		}
	}
}

// A cell that something else is busy in stays, and goes later; through a link in its place nothing is removed.
func TestBusyCellsStay(t *testing.T) {
	device := deviceOf(t, newDisk(t))
	look := func() {
		t.Helper()
		_, done, err := LookTop(device, "btrfs")
		if err != nil {
			t.Fatal(err)
		}
		if err := done(); err != nil {
			t.Error(err)
		}
	}
	killed := startLook(t, device, "btrfs", "look")
	killed.kill()
	f, err := os.Open(filepath.Join(killed.sees, "etc/issue"))
	if err != nil {
		t.Fatal(err)
	}
	look()
	if read(t, filepath.Join(killed.sees, "etc/issue")) != "base\n" {
		t.Error("it was taken from who uses it")
	}
	f.Close()
	look()
	if got := cells(t); got != "" {
		t.Errorf("is left:\n%s", got)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(runPrivate, "look-1-1")
	write(t, link+lockExt, "")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	look()
	if !there(filepath.Join(dir, "empty")) {
		t.Error("a link was followed")
	}
	for _, p := range []string{link, link + lockExt} {
		if err := os.Remove(p); err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
}

// Where a program was killed that worked on a ledger, the next one can do so.
func TestWorkAfterAKill(t *testing.T) {
	device := deviceOf(t, newDisk(t))
	startLook(t, device, "btrfs", "work").kill()
	top, done, err := MountTop(device, "btrfs")
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(top, "@rootfs/etc/issue")); got != "base\n" {
		t.Errorf("%q", got)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	if got := cells(t); got != "" {
		t.Errorf("is left:\n%s", got)
	}
}

// So it is where something that it has started still looks there: a boot, where it is killed too, has to go on.
func TestWorkBesideWhatAKillLeft(t *testing.T) {
	device := deviceOf(t, newDisk(t))
	killed := startLook(t, device, "btrfs", "work")
	killed.kill()
	f, err := os.Open(filepath.Join(killed.sees, "etc/issue"))
	if err != nil {
		t.Fatal(err)
	}
	work := func() {
		t.Helper()
		top, done, err := MountTop(device, "btrfs")
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, filepath.Join(top, "@rootfs/etc/issue")); got != "base\n" {
			t.Errorf("%q", got)
		}
		if err := done(); err != nil {
			t.Error(err)
		}
	}
	work()
	f.Close()
	work()
	if got := cells(t); got != "" {
		t.Errorf("is left:\n%s", got)
	}
}
