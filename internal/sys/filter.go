package sys

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Filter passes what it reads from r through a program to w.
func Filter(ctx context.Context, r io.Reader, w io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, w, &said
	if err := do("run", name, cmd.Run); err != nil {
		return fmt.Errorf("%s %s: %w%s", name, strings.Join(args, " "), err, lastLines(said.String(), 6))
	}
	return nil
}
