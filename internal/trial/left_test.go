package trial

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// running is a trial that waits for the end of its input.
type running struct {
	cmd *exec.Cmd
	in  io.Closer
}

func startTrial(t *testing.T, scratch, script string) running {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "run", scratch, script+"; echo ready; cat")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	return running{cmd, in}
}

// kill ends it as 'kill -9' does, and waits until all of its processes have let go of what they had.
func (r running) kill(t *testing.T, place string) {
	t.Helper()
	must(t, r.cmd.Process.Kill())
	_ = r.cmd.Wait() // it was killed
	if _, err := os.Stat(filepath.Join(place, lockName)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(place, lockName))
	must(t, err)
	defer f.Close()
	must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
}

func places(t *testing.T, dir string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(dir, placePrefix+"*"))
	must(t, err)
	return out
}

// What a trial that was killed has left goes with the next one that has the same place to write to. What another one uses, and what
// others have put there, stays.
func TestWhatKilledTrialsLeave(t *testing.T) {
	needRoot(t)
	scratch, other := trees(t)
	script := fmt.Sprintf("echo x >%[1]s/one; mkdir -m 0 %[1]s/new; echo x >%[1]s/new/fixed; chattr +i %[1]s/new/fixed %[1]s/new", other)

	killed := startTrial(t, scratch, script)
	left := places(t, scratch)
	if len(left) != 1 {
		t.Fatalf("%q", left)
	}
	killed.kill(t, left[0])
	if found, err := filepath.Glob(left[0] + "/layers/up*/new/fixed"); err != nil || len(found) != 1 {
		t.Fatalf("nothing was left: %q %v", found, err)
	}
	// These seem to be of a trial.
	theirs := map[string]func(dir string) error{
		"owner": func(dir string) error { return os.Chown(dir, 65534, 65534) },
		"mode":  func(dir string) error { return os.Chmod(dir, 0o770) },
		"lock":  func(dir string) error { return os.Remove(dir + "/lock") },
		"link": func(dir string) error {
			return os.Rename(dir, scratch+"/real") // and a link in its place
		},
		"notes": func(dir string) error { return os.WriteFile(dir+"/lock", []byte("mine\n"), 0o600) },
	}
	for name, f := range theirs {
		dir := filepath.Join(scratch, placePrefix+name)
		must(t, os.MkdirAll(dir+"/layers/precious", 0o700))
		must(t, os.WriteFile(dir+"/lock", nil, 0o600))
		must(t, os.Chmod(dir, 0o700))
		must(t, f(dir))
	}
	must(t, os.Symlink("real", filepath.Join(scratch, placePrefix+"link")))

	runs := startTrial(t, scratch, script)
	if _, err := os.Stat(left[0]); !os.IsNotExist(err) {
		t.Errorf("%s is there still: %v", left[0], err)
	}
	r, _ := try(t, "true", func(s *Spec) { s.Scratch = scratch })
	if r.Left != "" {
		t.Error(r.Left)
	}
	for name := range theirs {
		if _, err := os.Stat(filepath.Join(scratch, placePrefix+name, "layers/precious")); err != nil {
			t.Error(err)
		}
	}
	if now := places(t, scratch); len(now) != len(theirs)+1 {
		t.Errorf("%q, want that of who runs and those of others", now)
	}
	runs.in.Close()
	if err := runs.cmd.Wait(); err != nil {
		t.Errorf("who has run meanwhile: %v", err)
	}
	if now := places(t, scratch); len(now) != len(theirs) {
		t.Errorf("%q, want those of others", now)
	}
}
