package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// bird is a command of anicca, run by an ordinary user in a home that is theirs.
func bird(t *testing.T, args ...string) (cmd *exec.Cmd, home string) {
	t.Helper()
	nstest.Need(t)
	nstest.NeedIDs(t)
	self, err := os.ReadFile("/proc/self/exe")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	root, err := sys.OpenTree("/")
	check(err)
	for _, p := range []string{"/tmp", "/var/tmp"} { // what else lies there is not this test's
		check(root.Mount("tmp", p, "tmpfs", nil, "mode=1777"))
		t.Cleanup(func() { check(root.Unmount(p, true)) })
	}
	dir, err := os.MkdirTemp("/var", "anicca-test-") // t.TempDir lies in a directory of root alone
	check(err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(os.Chmod(dir, 0o755))
	program := filepath.Join(dir, "anicca")
	check(os.WriteFile(program, self, 0o755))
	home = filepath.Join(dir, "home")
	check(os.Mkdir(home, 0o755))
	check(os.Chown(home, 65534, 65534))
	cmd = exec.Command(program, args...)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR=", "XDG_RUNTIME_DIR=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return cmd, home
}

// The sandbox works for everybody.
func TestTryAsAnOrdinaryUser(t *testing.T) {
	cmd, _ := bird(t, "try")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Brought back from the archive: /home/bird/notes-3.txt") {
		t.Errorf("%v\n%s", err, out)
	}
}

// tried is what a report says.
type tried struct {
	Code   int
	Trees  []struct{ Path, How string }
	Review struct {
		Items []struct {
			Changes []struct {
				Path, What string
				UID        int
			}
		}
	}
}

func (r tried) changes(below string) []string {
	var out []string
	for _, i := range r.Review.Items {
		for _, c := range i.Changes {
			if p, ok := strings.CutPrefix(c.Path, below+"/"); ok {
				out = append(out, c.What+" "+p)
			}
		}
	}
	slices.Sort(out)
	return out
}

// A user sees what a command would do in their home, as themselves; the rest cannot be written.
func TestTryCommandAsAnOrdinaryUser(t *testing.T) {
	for name, c := range map[string]struct {
		flags   []string
		script  string
		out     string
		changes []string
	}{
		"files": {
			nil, "id -u; echo 1 >new; rm old; mv dir moved; mkdir dir; chmod 600 kept; echo x >>kept; exit 4", "65534\n",
			[]string{"added moved", "added new", "deleted dir/f", "deleted old", "modified kept"},
		},
		"others": {nil, "touch /etc/x /x 2>/dev/null || echo refused; touch ../x 2>/dev/null || echo refused; exit 4", "refused\nrefused\n", nil},
		"git":    {nil, "git init -q repo && ls -A repo; exit 4", ".git\n", []string{"added repo"}},
		"mounts": {nil, "umount . ; umount -l /proc; umount /dev; mount --bind / /mnt; mount -o remount,rw /; echo no; exit 4", "no\n", nil},
		"root": {
			[]string{"--fake-root"},
			"id -u; umount -l " + "\"$HOME\"" + " && echo unmounted; mount -o remount,rw / && echo writable; touch a; chmod 711 /etc/profile.d; echo b >/etc/anicca-try; rm /etc/passwd; cat /etc/anicca-try; exit 4",
			"0\nb\n",
			[]string{"added a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "git" {
				if _, err := exec.LookPath("git"); err != nil {
					t.Skip("needs git")
				}
			}
			cmd, home := bird(t)
			report := filepath.Join(home, "..", "report")
			if err := os.WriteFile(report, nil, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(report, 0o666); err != nil {
				t.Fatal(err)
			}
			prepare := exec.Command("sh", "-c", "mkdir dir; touch old dir/f kept")
			prepare.Dir, prepare.SysProcAttr = home, cmd.SysProcAttr
			if out, err := prepare.CombinedOutput(); err != nil {
				t.Fatal(err, string(out))
			}
			cmd.Args = append(append(append(cmd.Args, "try", "--json", "--output", report), c.flags...), "--", "sh", "-c", c.script)
			out, err := cmd.Output()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 4 {
				t.Fatalf("%v\n%s", err, exit.Stderr)
			}
			if string(out) != c.out {
				t.Errorf("%q, want %q\n%s", out, c.out, exit.Stderr)
			}
			text, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			var r tried
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			if got := r.changes(home); !slices.Equal(got, c.changes) || r.Code != 4 {
				t.Errorf("exit code %d; %q, want %q", r.Code, got, c.changes)
			}
			if name == "root" {
				if got := r.changes("/etc"); !slices.Equal(got, []string{"added anicca-try", "deleted passwd", "modified profile.d"}) {
					t.Errorf("%q", got)
				}
			}
			left, err := os.ReadDir(home)
			if err != nil || len(left) != 3 {
				t.Errorf("the real home was changed: %v %v", left, err)
			}
		})
	}
}

// A home in which something is mounted, as kept directories are, is copied in pieces.
func TestTryInPieces(t *testing.T) {
	cmd, home := bird(t)
	run := func(script string) {
		t.Helper()
		prepare := exec.Command("sh", "-c", script)
		prepare.Dir = home
		if out, err := prepare.CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	}
	run(`mkdir -p kept/in files/deep .config/app store && mount -t tmpfs none kept && mkdir kept/in && echo 1 >kept/in/f && mount --bind store .config/app &&
		echo 2 >files/deep/f && echo 3 >top && ln -s top link && echo 4 >.config/rc && echo 5 >.config/app/f && head -c 20000000 /dev/zero >large &&
		chown -hR 65534:65534 . && echo 6 >foreign && mkdir foreigners && touch foreigners/f && mkdir -m 700 shut`)
	t.Cleanup(func() { run("umount kept .config/app") })
	see := func() string {
		t.Helper()
		out, err := exec.Command("sh", "-c", `cd "$1" && find . -printf '%p %y %m %U %s %T@ %C@ %l\n' | sort && cat top kept/in/f files/deep/f .config/rc .config/app/f foreign`, "sh", home).CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		return string(out)
	}
	before := see()
	cmd.Args = append(cmd.Args, "try", "--json", "--", "sh", "-c",
		`cat top kept/in/f files/deep/f .config/rc .config/app/f foreign; ls foreigners; cat link
		echo more >>top; rm link; echo new >kept/in/new; rm kept/in/f; mv files/deep moved; echo x >>.config/rc; mv .config/app/f .config/app/g
		echo x 2>&- >>large || rm -f foreign; touch foreigners/g 2>&- || touch fresh; rm -rf kept files .config 2>&-; echo y >kept/last`)
	var report strings.Builder
	cmd.Stderr = &report
	out, err := cmd.Output()
	if err != nil || string(out) != "3\n1\n2\n4\n5\n6\nf\n3\n" {
		t.Fatalf("%v %q\n%s", err, out, report.String())
	}
	var r tried
	if err := json.Unmarshal([]byte(report.String()), &r); err != nil {
		t.Fatal(err, report.String())
	}
	want := []string{
		"added fresh", "added kept/last", "added moved", "deleted .config/app/f", "deleted .config/rc", "deleted files/deep", "deleted foreign", "deleted kept/in",
		"deleted link", "modified top",
	}
	if got := r.changes(home); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	how := map[string]string{}
	for _, tree := range r.Trees {
		how[strings.TrimPrefix(tree.Path, home)] = tree.How
	}
	if how[""] != "in pieces" || how["/kept"] != "copied" || how["/.config/app"] != "copied" {
		t.Errorf("%v", how)
	}
	if after := see(); after != before {
		t.Errorf("the real home was changed:\n%s\nwas:\n%s", after, before)
	}
}

// What a command would have changed goes to standard error or to a file, and nothing else with it; its own output and exit code stay.
func TestTryCommand(t *testing.T) {
	for _, c := range []struct {
		args        string
		code        int
		out, report string // the latter a pattern
	}{
		{"-- sh -c 'cat; echo done >new; rm old'", 0, "input\n", `(?s)^sh -c cat; .* would have made 2 changes, .*\+1.*-1.*\ncopied:`},
		{"--all -- sh -c 'echo 123 >old'", 0, "", `modified +4 B +1 +/.*/old +content\n`},
		{"-- true", 0, "", `^true would have changed nothing\ncopied:`},
		{"-o report -- sh -c 'rm old'", 0, "", `^$`},
		{"-- sh -c 'exit 7'", 7, "", `nothing`},
		{"-- sh -c 'kill $$'", 143, "", `nothing`},
		{"-- no-such-program", 127, "", `^anicca: no-such-program: there is no such program\n$`},
		{"-- ./old", 126, "", `^anicca: ./old: cannot be started`},
		{"--tree /no/such -- true", 125, "", `^anicca: --tree /no/such: `},
		{"--real /no/such -- true", 125, "", `^anicca: --real /no/such: `},
		{"--scratch /no/such -- true", 125, "", `^anicca: .*/no/such`},
		{"true", 2, "", `anicca try -- true`},
	} {
		t.Run(c.args, func(t *testing.T) {
			cmd, home := bird(t)
			cmd.Args = append([]string{"sh", "-c", `echo old >old; exec "$0" try ` + c.args}, cmd.Path)
			cmd.Path = "/bin/sh"
			cmd.Stdin = strings.NewReader("input\n")
			var report strings.Builder
			cmd.Stderr = &report
			out, err := cmd.Output()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code || string(out) != c.out || !regexp.MustCompile(c.report).MatchString(report.String()) {
				t.Errorf("exit code %d, %q\n%s", code, out, report.String())
			}
			if text, err := os.ReadFile(filepath.Join(home, "old")); err != nil || string(text) != "old\n" {
				t.Errorf("the real file was changed: %q %v", text, err)
			}
		})
	}
}

// A user's trial that was killed leaves what it has written, until the next one in the same place.
func TestTryAfterAKill(t *testing.T) {
	cmd, home := bird(t)
	cmd.Args = append([]string{"sh", "-c", `mkdir scratch && exec "$0" try --scratch scratch -- sh -c 'echo x >new; mkdir shut; echo x >shut/f; chmod 0 shut; echo ready; cat'`}, cmd.Path)
	program := cmd.Path
	cmd.Path = "/bin/sh"
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	locks, err := filepath.Glob(filepath.Join(home, "scratch/anicca-try-*/lock"))
	if err != nil || len(locks) != 1 {
		t.Fatalf("%q %v", locks, err)
	}
	f, err := os.Open(locks[0]) // all of its processes have ended when nobody has it
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	next := exec.Command(program, "try", "--scratch", "scratch", "--", "true")
	next.Dir, next.Env, next.SysProcAttr = cmd.Dir, cmd.Env, cmd.SysProcAttr
	if out, err := next.CombinedOutput(); err != nil || strings.Contains(string(out), "could not") {
		t.Errorf("%v\n%s", err, out)
	}
	if left, err := os.ReadDir(filepath.Join(home, "scratch")); err != nil || len(left) > 0 {
		t.Errorf("is left: %v %v", left, err)
	}
}

// Where namespaces are forbidden, try says how to allow them, and what else to do.
func TestTryWithoutNamespaces(t *testing.T) {
	nstest.Need(t)
	const limit = "/proc/sys/user/max_user_namespaces" // every namespace has its own
	old, err := os.ReadFile(limit)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(limit, []byte("0"), 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(limit, old, 0o644)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{{[]string{"try"}, 1, "sudo anicca try"}, {[]string{"try", "--", "true"}, 125, "run it with sudo"}} {
		cmd := exec.Command(self, c.args...)
		cmd.Args[0] = "anicca"
		out, err := cmd.CombinedOutput()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != c.code {
			t.Errorf("%v: %v", c.args, err)
		}
		for _, want := range []string{"does not allow user namespaces", "sudo sysctl", c.want} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q is not said:\n%s", want, out)
			}
		}
	}
}
