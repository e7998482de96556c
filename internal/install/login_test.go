package install

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loginShells are what reads the snippets, as an interactive shell that runs one command.
var loginShells = map[string][2]string{
	"bash":       {"profile", `bash --norc --noprofile -i -c '. "$SNIPPET"'`},
	"bash, set":  {"profile", `bash --norc --noprofile -u -e -i -c '. "$SNIPPET"'`},
	"dash":       {"profile", `dash -i -c '. "$SNIPPET"'`},
	"busybox sh": {"profile", `busybox ash -i -c '. "$SNIPPET"'`},
	"zsh":        {"profile", `zsh -f -i -c '. "$SNIPPET"'`},
	"fish":       {"profile-fish", `fish --no-config -l -i -c 'source $SNIPPET'`},
}

// login is somebody who logs in on a machine of the test's own.
type login struct {
	dir string // with run/, home/ and the snippet
}

// in starts a shell, on a terminal if tty, and returns what it says.
func (l login) in(t *testing.T, command string, tty bool, env ...string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	if tty {
		cmd = exec.Command("script", "-qec", command, "/dev/null")
	}
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + l.dir + "/home", "TERM=dumb", "SNIPPET=" + l.dir + "/snippet"}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	return strings.ReplaceAll(string(out), "\r", "")
}

// Whoever logs in on a terminal is told in every shell; nobody else is, nor who does not want to be, nor when there is nothing to say.
func TestLogin(t *testing.T) {
	if _, err := exec.LookPath("script"); err != nil {
		t.Skip("needs the program script, of util-linux")
	}
	const told = "anicca: something goes\n  see to it\n"
	for name, s := range loginShells {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(strings.Fields(s[1])[0]); err != nil {
				t.Skipf("%s is not installed", strings.Fields(s[1])[0])
			}
			l := login{t.TempDir()}
			data, err := files.ReadFile("files/" + s[0])
			if err != nil {
				t.Fatal(err)
			}
			put := func(name, text string) {
				t.Helper()
				p := filepath.Join(l.dir, name)
				err := os.MkdirAll(filepath.Dir(p), 0o755)
				if err == nil {
					err = os.WriteFile(p, []byte(text), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			remove := func(name string) {
				t.Helper()
				if err := os.Remove(filepath.Join(l.dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			put("snippet", strings.ReplaceAll(string(data), "/run/anicca", l.dir+"/run"))
			put("home/.profile", "")
			hears := func(when string, yes, tty bool, env ...string) {
				t.Helper()
				out := l.in(t, s[1], tty, env...)
				if yes && !strings.Contains(out, told) || !yes && strings.Contains(out, "anicca") {
					t.Errorf("%s: %q", when, out)
				}
			}
			hears("before the first report", false, true)
			put("run/report/77777.txt", told) // of somebody else
			hears("nothing of value", false, true)
			put(fmt.Sprintf("run/report/%d.txt", os.Getuid()), told)
			hears("at login", true, true)
			hears("without a terminal", false, false)
			put("bin/cat", "#!/bin/sh\nexit 1\n") // what is told is taken away while it is read
			if err := os.Chmod(filepath.Join(l.dir, "bin/cat"), 0o755); err != nil {
				t.Fatal(err)
			}
			if out := l.in(t, strings.TrimSuffix(s[1], "'")+"; echo in'", true, "PATH="+l.dir+"/bin:"+os.Getenv("PATH")); !strings.Contains(out, "in\n") {
				t.Errorf("when that cannot be read: %q", out)
			}
			put("home/.hushlogin", "")
			hears("hushed", false, true)
			remove("home/.hushlogin")
			put("home/.config/anicca/quiet", "")
			hears("left alone", false, true)
		})
	}
}

// A shell that is not interactive says nothing at all, on a terminal or not: scp and rsync would take it for an answer.
func TestLoginOfPrograms(t *testing.T) {
	data, err := files.ReadFile("files/profile")
	if err != nil {
		t.Fatal(err)
	}
	l := login{t.TempDir()}
	for name, text := range map[string]string{"snippet": strings.ReplaceAll(string(data), "/run/anicca", l.dir), fmt.Sprintf("report/%d.txt", os.Getuid()): "anicca: something goes\n"} {
		p := filepath.Join(l.dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, shell := range []string{"sh", "bash"} {
		if out := l.in(t, shell+` -e -u -c '. "$SNIPPET"; echo done'`, true); out != "done\n" {
			t.Errorf("%s: %q", shell, out)
		}
	}
}
