package trial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"anicca/internal/sys"
)

// first is the first process among those of the command: it takes the copy as its root, starts the command, and ends with it. The
// kernel ends all others then.
func (s Spec) first() int {
	control := sys.Inherit(s.Control, "control")
	if s.Lock > 0 {
		held := sys.Inherit(s.Lock, lockName)
		defer held.Close()
	}
	p, err := s.command()
	if err != nil {
		fmt.Fprintln(os.Stderr, "anicca:", err)
		switch {
		case errors.Is(err, errNone):
			return NotFound
		case errors.Is(err, errStart):
			return NotStarted
		}
		return OwnFault
	}
	go func() {
		for b := []byte{0}; ; {
			if _, err := control.Read(b); err != nil {
				os.Exit(OwnFault) // the one who waits for us has gone
			}
			_ = p.Signal(syscall.Signal(b[0]))
		}
	}()
	for {
		pid, code, err := sys.Reaped()
		if err != nil {
			fmt.Fprintln(os.Stderr, "anicca:", err)
			return OwnFault
		}
		if pid == p.Pid {
			return code
		}
	}
}

var (
	errNone  = errors.New("there is no such program")
	errStart = errors.New("cannot be started")
)

func (s Spec) command() (*os.Process, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	program, err := sys.Look(s.Command[0])
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("%s: %w: it may not be executed", s.Command[0], errStart)
		}
		return nil, fmt.Errorf("%s: %w", s.Command[0], errNone)
	}
	spaces := sys.Spaces{Weak: true}
	if !s.Root {
		spaces = sys.Spaces{Mounts: true, User: &sys.Same{UID: s.UID, GID: s.GID}}
		if s.FakeRoot {
			spaces.User = &sys.Same{}
		}
	}
	p, err := spaces.Start(program, s.Command...)
	if sys.IsNotProgram(err) { // a script that does not say for whom
		p, err = spaces.Start("/bin/sh", append([]string{"sh", program}, s.Command[1:]...)...)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", s.Command[0], errStart, err)
	}
	return p, nil
}

// settings of the whole machine are reached through these, below /proc.
var settings = []string{"sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"}

// enter makes the copy the root of this process, with a /proc of its own processes, and lets go of the real one.
func (s Spec) enter() error {
	at := path.Join(s.Place, rootDir)
	root, err := sys.OpenTree(at)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Mount("proc", "proc", "proc", []string{"nosuid", "nodev", "noexec"}, ""); err != nil {
		return fmt.Errorf("%w\nThis container does not let processes be told apart; run it outside", err)
	}
	for _, p := range settings {
		p = path.Join("proc", p)
		if there, err := root.Exists(p); err != nil || !there {
			continue
		}
		g, err := root.Graft(p, true)
		if err != nil {
			return err
		}
		if err := errors.Join(g.ReadOnly(), g.Attach(root, p)); err != nil {
			return err
		}
	}
	if err := sys.ChangeRoot(at); err != nil {
		return err
	}
	if err := os.Chdir(s.Dir); err != nil {
		return fmt.Errorf("%w in the copy: change to another directory first", err)
	}
	return nil
}
