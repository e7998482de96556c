package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a shell on a terminal, and somebody who types.
type terminal struct {
	t    *testing.T
	keys *os.File
	said chan string
	seen string
}

func onTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	check(err)
	raw, err := keys.SyscallConn() // Fd would let nobody interrupt a read
	check(err)
	var number int
	check(raw.Control(func(fd uintptr) {
		number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		err = errors.Join(err, unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0))
	}))
	check(err)
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	check(err)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	cmd.Env = append(cmd.Env, "TERM=dumb", "PS1=$ ", "HISTFILE=")
	check(cmd.Start())
	tty.Close()
	term := &terminal{t: t, keys: keys, said: make(chan string)}
	go func() {
		defer close(term.said)
		for buf := make([]byte, 4096); ; {
			n, err := keys.Read(buf)
			if err != nil {
				return
			}
			term.said <- string(buf[:n])
		}
	}()
	t.Cleanup(func() {
		keys.Close() // who is on it gets SIGHUP
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for range term.said {
		}
	})
	return term
}

// types sends keys and waits until the terminal has shown a pattern that was not there before.
func (term *terminal) types(keys, pattern string) {
	term.t.Helper()
	if _, err := term.keys.WriteString(keys); err != nil {
		term.t.Fatal(err)
	}
	re := regexp.MustCompile(pattern)
	for late := time.After(20 * time.Second); ; {
		if m := re.FindStringIndex(term.seen); m != nil {
			term.seen = term.seen[m[1]:]
			return
		}
		select {
		case s, ok := <-term.said:
			if !ok {
				term.t.Fatalf("the terminal is gone; waited for %q in %q", pattern, term.seen)
			}
			term.seen += strings.ReplaceAll(s, "\r", "")
		case <-late:
			term.t.Fatalf("waited for %q in %q", pattern, term.seen)
		}
	}
}

// The keys of a terminal reach a command that is tried as any other, and a shell in there has its jobs.
func TestTryOnATerminal(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash")
	}
	cmd, _ := bird(t)
	program := cmd.Path
	bash, _ := exec.LookPath("bash")
	cmd.Path, cmd.Args = bash, []string{"bash", "--norc", "--noprofile", "--noediting", "-i"}
	// One process: a shell that is stopped while it starts another waits for that one first.
	const works = `bash -c 'trap "echo ba""ck" CONT; echo re""ady; while :; do read -t 0.1; done'`
	term := onTerminal(t, cmd)
	term.types("", `\$ `)
	term.types("echo before >f; "+program+" try -- "+works+"\n", `ready\n`)
	term.types("\x1a", `Stopped.*\n`)
	term.types("jobs\n", `\[1\]\+ +Stopped.*\n`)
	term.types("fg\n", `back\n`)
	term.types("\x03", `would have changed nothing`)
	term.types("echo code=$?\n", `code=130\n`)

	term.types(program+" try -- bash --norc --noprofile --noediting -i\necho star''ted\n", `started\n`)
	term.types("echo inside >f; "+works+"\n", `ready\n`)
	term.types("\x1a", `Stopped.*\n`)
	term.types("fg\n", `back\n`)
	term.types("\x03", `\$ `)
	term.types("echo code=$?; cat f\n", `code=130\ninside\n`)
	term.types("exit 9\n", `(?s)would have made 1 change,.*\n.*/f .*~1.*copied:`)
	term.types("echo code=$?; cat f\n", `code=9\nbefore\n`)
}

// A signal is passed on; who kills the one that they have called leaves nothing running.
func TestTrySignals(t *testing.T) {
	const mark = "97531.86421"
	for name, c := range map[string]struct {
		script string
		signal syscall.Signal
		code   int
	}{
		"term":        {"trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.1; done", syscall.SIGTERM, 3},
		"int":         {"trap 'echo int; exit 4' INT; echo ready; while :; do sleep 0.1; done", syscall.SIGINT, 4},
		"default":     {"echo ready; exec sleep " + mark, syscall.SIGTERM, 143},
		"unstoppable": {"trap '' TERM INT HUP; echo ready; sleep " + mark, syscall.SIGKILL, -1},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, _ := bird(t)
			cmd.Args = append(cmd.Args, "try", "--", "sh", "-c", c.script)
			cmd.SysProcAttr.Setsid = true // no terminal
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 6)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			rest := make([]byte, 1)
			for err == nil { // until nobody holds the pipe any more
				_, err = out.Read(rest)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if out, err := exec.Command("pgrep", "-fx", "sleep "+mark).CombinedOutput(); err == nil {
				t.Errorf("still runs: %s", out)
			}
		})
	}
}

// What is ignored around a trial is ignored in it, and what a command sends to its group reaches nobody else.
func TestTrySignalsAround(t *testing.T) {
	for name, script := range map[string]string{
		"nohup": `trap '' HUP; "$@" sh -c 'kill -HUP $$; echo here'`,
		"int":   `trap '' INT; "$@" sh -c 'kill -INT $$; echo here'`,
		"group": `"$@" sh -c 'kill -9 0'; ls -d /var/tmp/anicca-try-* 2>/dev/null || echo here`,
	} {
		t.Run(name, func(t *testing.T) {
			cmd, _ := bird(t)
			cmd.Args = []string{"sh", "-c", script, "sh", cmd.Path, "try", "--"}
			cmd.Path, cmd.SysProcAttr.Setsid = "/bin/sh", true
			if out, err := cmd.Output(); string(out) != "here\n" {
				t.Errorf("%v, %q", err, out)
			}
		})
	}
}
