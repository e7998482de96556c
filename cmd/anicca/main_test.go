package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"anicca/internal/sys"
)

// inNamespace says that the tests run as root of a namespace of their own, where they may mount.
const inNamespace = "ANICCA_TEST_NAMESPACE"

func TestMain(m *testing.M) {
	commands := map[string]func(){"anicca": main}
	if os.Getenv(inNamespace) == "" && len(os.Args) > 0 && filepath.Base(os.Args[0]) != "anicca" {
		os.Setenv(inNamespace, "1")
		err := sys.InNamespace(context.Background(), os.Args[1:]...)
		if !errors.Is(err, sys.ErrNoNamespace) {
			if code, ok := sys.ExitCode(err); ok {
				os.Exit(code)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
		os.Setenv(inNamespace, "no")
	}
	testscript.Main(m, commands)
}

func TestScripts(t *testing.T) {
	if os.Getenv(inNamespace) == "no" {
		t.Skip("this machine does not allow user namespaces, in which the scripts mount their machines")
	}
	if err := sys.MakePrivate(); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "machine": machine, "umount": umount,
		},
		UpdateScripts: os.Getenv("UPDATE") != "",
	})
}

// exits runs a command that must end with an exit code: exits 3 anicca check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want, _ := strconv.Atoi(args[0]); code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// machine mounts an overlay root at m, over the directory base, with a store at m/persist.
func machine(ts *testscript.TestScript, _ bool, _ []string) {
	work, err := sys.OpenTree(ts.MkAbs("."))
	ts.Check(err)
	defer work.Close()
	for _, d := range []string{"disk", "m", "base/persist"} {
		ts.Check(os.MkdirAll(ts.MkAbs(d), 0o755))
	}
	ts.Check(work.Mount("disk", "disk", "tmpfs", nil, "mode=0755"))
	ts.Defer(func() { unmount(ts, "disk") })
	for _, d := range []string{"disk/upper", "disk/work", "disk/store"} {
		ts.Check(os.MkdirAll(ts.MkAbs(d), 0o755))
	}
	ts.Check(work.Mount("root", "m", "overlay", nil, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,userxattr",
		ts.MkAbs("base"), ts.MkAbs("disk/upper"), ts.MkAbs("disk/work"))))
	ts.Defer(func() { unmount(ts, "m") })
	m, err := sys.OpenTree(ts.MkAbs("m"))
	ts.Check(err)
	defer m.Close()
	ts.Check(sys.Bind(work, "disk/store", m, "/persist", nil))
}

func umount(ts *testscript.TestScript, _ bool, args []string) {
	for _, a := range args {
		unmount(ts, a)
	}
}

func unmount(ts *testscript.TestScript, p string) {
	work, err := sys.OpenTree(ts.MkAbs("."))
	ts.Check(err)
	defer work.Close()
	ts.Check(work.Unmount(p, true))
}

// The sandbox works for everybody, and every run ends the same.
func TestTryAsAnOrdinaryUser(t *testing.T) {
	if os.Getenv(inNamespace) == "no" {
		t.Skip("this machine does not allow user namespaces")
	}
	// The tests themselves run as an ordinary user seen from outside: root here is the root of a namespace only.
	uids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	if f := strings.Fields(string(uids)); len(f) != 3 || f[2] != "1" {
		t.Fatalf("not in a namespace of one user: %q", uids)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "anicca")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "try").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Brought back from the archive: /home/bird/notes-3.txt") {
		t.Errorf("%v\n%s", err, out)
	}
}
