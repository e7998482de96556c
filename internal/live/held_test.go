package live_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/config"
	"anicca/internal/live"
	"anicca/internal/plan"
)

// A program opens what a link leads to after that was looked at, as when the user is asked first: what it writes is not deleted.
func TestForgetLinksThatAreOpenedMeanwhile(t *testing.T) {
	m := newMachine(t)
	file := filepath.Join(m.dir, "decl/a.cue")
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, append(text, `persist: "/persist": directories: "/srv/linked": method: "symlink"`+"\n"...), 0o644))
	host, err := config.Load(m.Declaration)
	must(t, err)
	f, err := m.facts(host)
	must(t, err)
	must(t, apply.Run(m.Root, plan.Make(host, f), nil))
	m.write("/persist/srv/linked/log", "")

	c, err := live.Forget(m.Machine, []string{"/srv/linked", "/etc/linked"}, live.Delete, time.Now())
	must(t, err)
	user := exec.Command("sh", "-c", `exec >>srv/linked/log 3>>etc/linked; echo; cat; echo last >&3`)
	user.Dir = m.Root.Path("/persist")
	in, err := user.StdinPipe()
	must(t, err)
	must(t, user.Start())
	for end := time.Now().Add(30 * time.Second); m.read("/persist/srv/linked/log") == ""; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the program does not start")
		}
	}
	must(t, c.Run(nil))
	_, err = in.Write([]byte("last\n"))
	must(t, err)
	must(t, in.Close())
	must(t, user.Wait())
	if got := m.read("/persist/srv/linked/log"); got != "\nlast\n" {
		t.Errorf("directory: %q", got)
	}
	if got := m.read("/persist/etc/linked"); got != "linked\nlast\n" {
		t.Errorf("file: %q", got)
	}
	for _, x := range c.Taken {
		if x.Done || x.Waits == "" || len(x.Holders) == 0 {
			t.Errorf("%s: %v, %q", x.Path, x.Done, x.Waits)
		}
	}
}
