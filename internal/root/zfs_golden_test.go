package root

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"anicca/internal/golden"
	"anicca/internal/sys"
	"anicca/internal/zfstest"
)

// Each archive in testdata is what is done to a machine, a line each, and the answer: every command that was run for it.
// A line that begins with "- " is done without saying so.
func TestZFSCommands(t *testing.T) {
	golden.Run(t, func(t *testing.T, a *txtar.Archive) map[string]string {
		s := script{t: t}
		for line := range strings.Lines(golden.Content(a, "do")) {
			s.line(strings.TrimSpace(line))
		}
		if s.d != nil {
			s.d.Close()
		}
		return map[string]string{"commands": strings.NewReplacer(append(s.tops, tankName, "rpool")...).Replace(s.out.String())}
	})
}

type script struct {
	t   *testing.T
	m   *zfsMachine
	p   *zfstest.Pool
	d   *Disk
	out strings.Builder

	tops []string
}

func (s *script) line(line string) {
	s.t.Helper()
	line, silent := strings.CutPrefix(line, "- ")
	f := strings.Fields(line)
	if f[0] == "machine" { // a new one
		s.m, s.p = newSimulated(s.t)
		s.tops = append(s.tops, s.m.top, "TOP")
		return
	}
	from := len(s.p.Log)
	said, err := s.do(f)
	if silent {
		if err != nil && !errors.Is(err, errCut) {
			s.t.Fatalf("%s: %v", line, err)
		}
		return
	}
	fmt.Fprintf(&s.out, "> %s\n", line)
	for _, command := range s.p.Log[from:] {
		fmt.Fprintln(&s.out, command)
	}
	if err != nil {
		said = strings.ReplaceAll("failed: "+err.Error(), "\n\t", ": ")
	}
	if said != "" {
		fmt.Fprintln(&s.out, "=", said)
	}
	fmt.Fprintln(&s.out)
}

// old returns the id of the n-th old root.
func (s *script) old(n string) string {
	i, err := strconv.Atoi(n)
	if err != nil || i > len(s.d.ledger.Archive) {
		s.t.Fatalf("no old root %s", n)
	}
	return s.d.ledger.Archive[i-1].ID
}

func (s *script) do(f []string) (string, error) {
	var err error
	switch f[0] {
	case "setup":
		s.d = s.m.setUp()
	case "base":
		_, err = s.d.MakeBase(nil, s.m.now)
	case "reset":
		from := ""
		if len(f) > 1 {
			from = s.old(f[1])
		}
		var made Made
		if made, err = s.m.reset(s.d, from); err == nil {
			return made.String(), nil
		}
	case "cut":
		n, _ := strconv.Atoi(f[1])
		sys.Fault = func(_, line string) error {
			if line = strings.TrimPrefix(line, "run "); strings.HasPrefix(line, "z") && changes(line) {
				n--
			}
			if n <= 0 {
				return errCut
			}
			return nil
		}
		_, err = s.do(f[2:])
		sys.Fault = nil
		s.d.Close()
		s.p.Reboot()
		if s.d, _ = s.m.open(); s.d == nil {
			s.t.Fatal("not opened")
		}
	case "recover":
		said, err := s.d.Recover(s.m.now)
		return strings.Join(said, "; "), err
	case "drop":
		if err = s.d.Drop(s.old(f[1]), time.Now()); err == nil {
			err = s.d.Settle(s.m.now)
		}
	case "open":
		_, _, done, oerr := s.d.OpenOld(s.old(f[1]), "/etc")
		if err = oerr; err == nil {
			err = done()
		}
	case "modules":
		has, merr := s.d.HasModules(f[1], "")
		return fmt.Sprint(has), merr
	case "check":
		dir := "/sysroot"
		s.p.Mount(rootSet, dir)
		id, _ := s.d.Current()
		b, _ := s.d.ledger.newestBase()
		made := Made{UUID: id, Parent: b.UUID, Base: 1}
		if len(f) > 1 {
			made.UUID = "another"
		}
		err = s.d.Check(dir, &made)
	default:
		s.t.Fatalf("unknown line %q", f)
	}
	return "", err
}
