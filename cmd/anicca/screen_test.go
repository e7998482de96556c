package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// onScreen runs anicca on a terminal of 80x24: onScreen DIALOG CODE ARG.... A dialog is a file with a line for each step:
//
//	see REGEXP     wait until the screen has it
//	none REGEXP    the screen must not have it
//	keys NAME...   press keys: letters, or enter, esc, up, down, …
//	type TEXT      write a text
//	size W H       make the terminal as large
//	shot FILE      write down what the screen shows
//	run SCRIPT     something happens meanwhile
//	signal TERM    end the program from outside
//	hangup         the terminal goes away
//	end            wait until the program has ended; it must be with the code, and have left the screen as it was
//
// With an environment variable in front, as onScreen TERM=linux DIALOG …, that is set.
func onScreen(ts *testscript.TestScript, neg bool, args []string) {
	env := append(os.Environ(), "TERM=xterm-256color")
	for len(args) > 0 && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	if neg || len(args) < 3 {
		ts.Fatalf("usage: onScreen [VAR=VALUE...] DIALOG CODE ARG...")
	}
	self, err := os.Executable()
	ts.Check(err)
	cmd := exec.Command(self, args[2:]...)
	cmd.Args[0], cmd.Dir, cmd.Env = "anicca", ts.MkAbs("."), env
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
	ts.Check(err)
	file, err = pollable(file)
	ts.Check(err)
	t := &display{ts: ts, file: file, vt: vt.NewEmulator(80, 24), seen: make(chan struct{}, 1), ended: make(chan struct{})}
	go t.read()
	go t.answer()
	defer func() {
		_ = cmd.Process.Kill() // does nothing if it has ended
		_ = cmd.Wait()
		<-t.ended
		if in, ok := t.vt.InputPipe().(io.Closer); ok { // ends its answers; Close is not safe while they are read
			_ = in.Close()
		}
		_ = file.Close()
	}()
	for step := range strings.Lines(ts.ReadFile(args[0])) {
		if step = strings.TrimSpace(step); step == "" || step[0] == '#' {
			continue
		}
		verb, rest, _ := strings.Cut(step, " ")
		switch verb {
		case "signal":
			ts.Check(cmd.Process.Signal(syscall.SIGTERM))
		case "hangup":
			ts.Check(file.Close())
			t.gone = true
		case "end":
			select {
			case <-t.ended:
			case <-time.After(time.Minute):
				ts.Fatalf("the program does not end:\n%s", t.screen())
			}
			err := cmd.Wait()
			if !t.gone && (t.vt.IsAltScreen() || t.vt.CursorHidden()) {
				ts.Fatalf("the terminal is not as it was:\n%s", t.screen())
			}
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			}
			if want, _ := strconv.Atoi(args[1]); code != want {
				ts.Fatalf("exit code %d, want %d\n%s", code, want, t.screen())
			}
		default:
			t.step(verb, rest)
		}
	}
}

// pollable returns a file that can be closed while somebody reads from it.
func pollable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	err = unix.SetNonblock(fd, true) // before it is a file, which looks for that
	return os.NewFile(uintptr(fd), f.Name()), err
}

// display is a terminal that a person sits at.
type display struct {
	ts    *testscript.TestScript
	file  *os.File
	mu    sync.Mutex // guards vt
	vt    *vt.Emulator
	seen  chan struct{} // the screen may have changed
	ended chan struct{} // nobody writes any more
	gone  bool
}

func (t *display) read() {
	defer close(t.ended)
	for buf := make([]byte, 4096); ; {
		n, err := t.file.Read(buf)
		t.mu.Lock()
		_, _ = t.vt.Write(buf[:n])
		t.mu.Unlock()
		select {
		case t.seen <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// answer gives the program what the terminal answers to its questions, as long as there is somebody to read it.
func (t *display) answer() {
	for buf := make([]byte, 256); ; {
		n, err := t.vt.Read(buf)
		if err != nil {
			return
		}
		_, _ = t.file.Write(buf[:n])
	}
}

func (t *display) screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out strings.Builder
	for l := range strings.Lines(t.vt.String()) {
		out.WriteString(strings.TrimRight(l, " \n") + "\n")
	}
	return out.String()
}

var keyCodes = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "space": " ", "backspace": "\x7f", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"pgup": "\x1b[5~", "pgdown": "\x1b[6~", "home": "\x1b[H", "end": "\x1b[F", "ctrl+c": "\x03", "ctrl+u": "\x15", "ctrl+w": "\x17",
}

func (t *display) step(verb, rest string) {
	switch verb {
	case "see":
		want := regexp.MustCompile("(?m)" + rest)
		for deadline := time.After(time.Minute); ; {
			if want.MatchString(t.screen()) {
				return
			}
			ended := t.ended
			select {
			case <-t.seen:
				continue
			case <-ended:
			case <-deadline:
			}
			if s := t.screen(); !want.MatchString(s) {
				t.ts.Fatalf("the screen never had %q:\n%s", rest, s)
			}
		}
	case "none":
		if s := t.screen(); regexp.MustCompile("(?m)" + rest).MatchString(s) {
			t.ts.Fatalf("the screen has %q:\n%s", rest, s)
		}
	case "keys":
		for _, k := range strings.Fields(rest) {
			if code, ok := keyCodes[k]; ok {
				k = code
			}
			t.write(k)
		}
	case "type":
		t.write(rest)
	case "run":
		cmd := exec.Command("sh", "-c", rest)
		cmd.Dir = t.ts.MkAbs(".")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.ts.Fatalf("%s: %v\n%s", rest, err, out)
		}
	case "size":
		var w, h int
		_, err := fmt.Sscan(rest, &w, &h)
		t.ts.Check(err)
		t.mu.Lock()
		t.vt.Resize(w, h)
		t.mu.Unlock()
		c, err := t.file.SyscallConn()
		t.ts.Check(err)
		t.ts.Check(c.Control(func(fd uintptr) {
			err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(w), Row: uint16(h)})
		}))
		t.ts.Check(err)
	case "shot":
		t.ts.Check(os.WriteFile(t.ts.MkAbs(rest), []byte(t.screen()), 0o644))
	default:
		t.ts.Fatalf("unknown step %q", verb)
	}
}

func (t *display) write(s string) {
	_, err := io.WriteString(t.file, s)
	t.ts.Check(err)
}
