package sys_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"anicca/internal/sys"
)

func TestRun(t *testing.T) {
	if out, err := sys.Run(t.Context(), "sh", "-c", "echo out; echo err >&2; read x; echo $?"); err != nil || out != "out\nerr\n1\n" {
		t.Errorf("%q, %v", out, err)
	}
	_, err := sys.Run(t.Context(), "sh", "-c", "echo why; exit 3")
	if err == nil || err.Error() != "sh -c echo why; exit 3: exit status 3\n\twhy" {
		t.Errorf("a failure: %v", err)
	}
	if _, err := sys.Run(t.Context(), "anicca-no-such-program"); err == nil || !strings.Contains(err.Error(), "there is no such program") {
		t.Errorf("a missing program: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sys.Run(ctx, "sleep", "100"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a program that takes too long: %v", err)
	}
	// More than a pipe holds.
	if out, err := sys.Run(t.Context(), "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"); err != nil || len(out) != 300000 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}
