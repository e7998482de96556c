// Package trial runs a command in a throw-away copy of the running root and finds what it has changed there.
//
// Four processes take part. The first one, which the user has started, waits, and passes signals on ([Run]). The second has mounts of its
// own, where it puts the copy together from overlays, and looks at what was written when all is over ([Copy]). The third is the
// first process of a process namespace: it makes the copy its root, and with it all that the command has left running ends ([First]). It starts the
// command. A user without privilege gets a user namespace for the second, and another one for the command, in which it is who it
// was, and cannot take the mounts away.
//
// It is no boundary against malice: see docs/guide/try.md for what is not thrown away.
package trial

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// Spec is what is to be run, and where.
type Spec struct {
	Command  []string
	Dir      string   // where it begins
	Trees    []string // without privilege: the directories that the command may write in
	Real     []string // what is shown as it is
	FakeRoot bool     // without privilege: the command believes to be root
	Scratch  string   // directory for what is written; empty for memory

	Place           string // ours, for all that the copy is made of
	Disk            bool   // Place is itself what is written to
	Root            bool   // of the machine, not of a namespace
	UID, GID        int
	Control, Report int // open files
	Lock            int // one that is locked for as long as Place is in use; 0 for none
}

// How a tree is shown to the command.
type How string

// The ways.
const (
	Copied   How = "copied"    // what is written is thrown away
	Pieces   How = "in pieces" // the same, but its directories cannot be removed or renamed
	ReadOnly How = "read-only" // the real one
	Hidden   How = "hidden"
)

// Tree is a directory of the copy, up to others in it.
type Tree struct {
	Path string `json:"path"`
	How  How    `json:"how"`
	Why  string `json:"why,omitempty"` // it is not copied
}

// Result is what came of it.
type Result struct {
	Code    int    // of the command; see [OwnFault]
	Trees   []Tree // sorted by path
	Changes []review.Change
	Full    bool   // there was no room for more
	Size    uint64 // of the room, in bytes; 0 if that was not short
	Names   uint64 // how many files it can have; 0 if that was not short
	Left    string // what could not be cleaned up

	Fault     string // why there is no result
	Forbidden bool   // it is that this machine allows no namespaces
}

// Exit codes that are not the command's, as env(1) and timeout(1) have them.
const (
	OwnFault   = 125
	NotStarted = 126
	NotFound   = 127
)

// signals are passed on to the command. It gets those of the keyboard from the terminal itself. What whoever called us lets nobody
// hear, such as nohup(1), the command does not hear either.
var signals = slices.DeleteFunc(
	[]os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}, signal.Ignored)

// Run runs the command of a spec and returns what it changed.
func Run(s Spec) (*Result, error) {
	s.Root = os.Getuid() == 0 && !sys.InUserNamespace()
	s.UID, s.GID, s.Disk = os.Getuid(), os.Getgid(), s.Scratch != ""
	var err error
	if s.Place, err = place(s.Scratch); err != nil {
		return nil, err
	}
	held, err := lock(s.Place)
	if held != nil {
		defer held.Close()
		s.Lock, err = sys.Bequeath(held)
	}
	defer leave(s.Place)
	if err != nil {
		return nil, err
	}
	theirs, control, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer control.Close()
	report, toReport, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer report.Close()
	if s.Control, err = sys.Bequeath(theirs); err != nil {
		return nil, err
	}
	if s.Report, err = sys.Bequeath(toReport); err != nil {
		return nil, err
	}
	came := make(chan os.Signal, 8)
	signal.Notify(came, signals...)
	defer signal.Stop(came)
	spaces := sys.Spaces{Mounts: true}
	if !s.Root {
		spaces.User = &sys.Same{OfUID: s.UID, OfGID: s.GID}
	}
	p, err := s.start(spaces, "copy")
	theirs.Close()
	toReport.Close()
	if err != nil {
		return nil, err
	}
	go func() {
		for got := range came {
			if keyboard := got == syscall.SIGINT || got == syscall.SIGQUIT; !keyboard || !sys.Foreground() {
				_, _ = control.Write([]byte{byte(got.(syscall.Signal))})
			}
		}
	}()
	var r Result
	err = gob.NewDecoder(report).Decode(&r)
	code, werr := sys.Ended(p)
	signal.Ignore(syscall.SIGTTOU)
	sys.TakeTerminal()
	switch {
	case werr != nil:
		return nil, werr
	case err != nil:
		return nil, fmt.Errorf("the copy has ended without a report (exit code %d)", code)
	case r.Forbidden:
		return nil, fmt.Errorf("%w (%s)", sys.ErrNoNamespace, r.Fault)
	case r.Fault != "":
		return nil, errors.New(r.Fault)
	}
	return &r, nil
}

// temp is where the place of a copy is made by default: out of the way of what a command is likely to look at.
var temp = "/var/tmp"

// place makes a directory for the copy.
func place(scratch string) (string, error) {
	if scratch == "" {
		if dir, err := os.MkdirTemp(temp, placePrefix); err == nil {
			return dir, nil
		}
	}
	dir, err := os.MkdirTemp(scratch, placePrefix)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	return dir, err
}

// start starts this program for its next part.
func (s Spec) start(spaces sys.Spaces, part string) (*os.Process, error) {
	command := s.Command
	s.Command = nil // goes as it came: its words can be any bytes, and more than one word may hold
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(s); err != nil {
		return nil, err
	}
	args := []string{os.Args[0], "try", "--part", part, "--spec", base64.RawStdEncoding.EncodeToString(text.Bytes()), "--"}
	return spaces.Start("/proc/self/exe", append(args, command...)...)
}

// Part does what the second or the third process has to do, and returns its exit code.
func Part(part, spec string, command []string) int {
	s := Spec{}
	text, err := base64.RawStdEncoding.DecodeString(spec)
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(text)).Decode(&s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "anicca:", err)
		return OwnFault
	}
	s.Command = command
	came := make(chan os.Signal, 8)
	signal.Notify(came, signals...) // the process that the user has started passes them on
	if part == "first" {
		return s.first()
	}
	return s.copy(came)
}
