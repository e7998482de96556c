package sys

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Run runs a program and returns what it printed.
// A failure names the program, its exit and the last lines that it wrote.
func Run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := do("run", name, cmd.Run); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w%s", name, strings.Join(args, " "), err, lastLines(out.String(), 6))
	}
	return out.String(), nil
}

// Stream runs a program and passes what it prints to w as it comes.
func Stream(ctx context.Context, w io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = w, w
	if err := do("run", name, cmd.Run); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// Program returns the path of a program, or "" if the machine does not have it.
func Program(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/", "/usr/local/sbin/"} {
		if s, err := os.Stat(dir + name); err == nil && s.Mode()&0o111 != 0 {
			return dir + name
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
