package tell

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"anicca/internal/sys"
)

// Leaving reports whether the machine is shutting down, or reboots, in a way that goes through the initrd: a soft-reboot does not.
func Leaving(ctx context.Context) bool {
	if sys.Program("systemctl") == "" {
		return false
	}
	state, _ := sys.Run(ctx, "systemctl", "is-system-running") // it exits with an error for all but one of its words
	if strings.TrimSpace(state) != "stopping" {
		return false
	}
	jobs, err := sys.Run(ctx, "systemctl", "list-jobs", "--no-legend", "--plain")
	return err == nil && !strings.Contains(jobs, "soft-reboot.target")
}

// Console writes to whoever watches the machine go down. Where there is no console, nobody does.
func Console(text string) {
	f, err := os.OpenFile("/dev/console", os.O_WRONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprint(f, strings.ReplaceAll(text, "\n", "\r\n")+"\r\n")
}

// Wall writes to all terminals that somebody is logged in on. Where there is no such program, nobody is told.
func Wall(text string) error {
	if sys.Program("wall") == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := sys.Run(ctx, "wall", text)
	return err
}
