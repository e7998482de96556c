package sys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Run runs a program and returns what it printed.
// A failure names the program, its exit and the last lines that it wrote.
func Run(ctx context.Context, name string, args ...string) (string, error) {
	out := ""
	err := do("run", name, func() (err error) {
		out, err = run(ctx, name, args)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("%s %s: %w%s", name, strings.Join(args, " "), errors.Unwrap(err), lastLines(out, 6))
	}
	return out, nil
}

// run does without os/exec, which would make the initrd's program a twentieth larger.
func run(ctx context.Context, name string, args []string) (string, error) {
	program := Program(name)
	if program == "" {
		return "", errors.New("there is no such program")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return "", err
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	p, err := os.StartProcess(program, append([]string{name}, args...), &os.ProcAttr{Files: []*os.File{null, w, w}})
	w.Close()
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Kill() })
	defer stop()
	text, rerr := io.ReadAll(r)
	state, err := p.Wait()
	switch {
	case err != nil:
	case ctx.Err() != nil:
		err = ctx.Err()
	case !state.Success():
		err = errors.New(state.String())
	default:
		err = rerr
	}
	return string(text), err
}

// Program returns the path of a program, or "" if the machine does not have it.
func Program(name string) string {
	for _, dir := range append(strings.Split(os.Getenv("PATH"), ":"), "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin") {
		if s, err := os.Stat(dir + "/" + name); dir != "" && err == nil && !s.IsDir() && s.Mode()&0o111 != 0 {
			return dir + "/" + name
		}
	}
	return ""
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return ""
	}
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "\n\t" + strings.Join(lines, "\n\t")
}
