package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"anicca/internal/nstest"
	"anicca/internal/root"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "anicca" { // not the command of a script, which is this program too
		nstest.Enter()
	}
	testscript.Main(m, map[string]func(){"anicca": main})
}

func TestScripts(t *testing.T) {
	nstest.Need(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "machine": machine, "umount": umount, "reset": reset, "onScreen": onScreen,
		},
		Condition: func(cond string) (bool, error) {
			if cond != "ids" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return nstest.HasIDs(), nil
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
	mount(work, ts.Check, ts.Defer)
}

// mount mounts what [machine] does, in a directory.
func mount(work *sys.Tree, check func(error), later func(func())) {
	mkdir := func(dirs ...string) {
		for _, d := range dirs {
			check(os.MkdirAll(work.Path(d), 0o755))
		}
	}
	mkdir("disk", "m", "base/persist")
	check(work.Mount("disk", "disk", "tmpfs", nil, "mode=0755"))
	dir := work.Name()
	later(func() { check(unmountIn(dir, "disk")) })
	mkdir("disk/upper", "disk/work", "disk/store")
	check(work.Mount("root", "m", "overlay", nil, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,userxattr",
		work.Path("base"), work.Path("disk/upper"), work.Path("disk/work"))))
	later(func() { check(unmountIn(dir, "m")) })
	m, err := sys.OpenTree(work.Path("m"))
	check(err)
	defer m.Close()
	check(sys.Bind(work, "disk/store", m, "/persist", nil))
}

// reset resets the root at m, as a boot does. The first one sets a disk up, in memory, with the directory base as base 1.
func reset(ts *testscript.TestScript, _ bool, _ []string) {
	work, err := sys.OpenTree(ts.MkAbs("."))
	ts.Check(err)
	defer work.Close()
	var d *root.Disk
	if _, err := os.Stat(ts.MkAbs("disk")); err == nil {
		d, err = root.Open(ts.MkAbs("disk"))
		ts.Check(err)
		ts.Check(unmountIn(ts.MkAbs("."), "m/persist"))
		ts.Check(unmountIn(ts.MkAbs("."), "m"))
		_, err = d.Reset(root.Order{Now: time.Now()})
		ts.Check(errors.Join(err, d.Commit(time.Now())))
	} else {
		for _, p := range []string{"disk", "m", "base/persist"} {
			ts.Check(os.MkdirAll(ts.MkAbs(p), 0o755))
		}
		ts.Check(work.Mount("disk", "disk", "tmpfs", nil, "mode=0755"))
		ts.Defer(func() { ts.Check(unmountIn(ts.MkAbs("."), "disk")) })
		for _, p := range []string{"disk/anicca/base", "disk/store"} {
			ts.Check(os.MkdirAll(ts.MkAbs(p), 0o755))
		}
		ts.Check(sys.Copy(work, "base", work, "disk/anicca/base/1"))
		d, err = root.CreateOverlay(ts.MkAbs("disk"), "anicca/base/1", root.Ledger{Store: "store", StorePath: "/persist"}, time.Now())
		ts.Check(err)
		ts.Defer(func() { ts.Check(unmountIn(ts.MkAbs("."), "m")) })
	}
	defer d.Close()
	ts.Check(d.MountRoot("root", ts.MkAbs("m")))
	m, err := sys.OpenTree(ts.MkAbs("m"))
	ts.Check(err)
	defer m.Close()
	ts.Check(sys.Bind(work, "disk/store", m, "/persist", nil))
}

func umount(ts *testscript.TestScript, _ bool, args []string) {
	for _, a := range args {
		ts.Check(unmountIn(ts.MkAbs("."), a))
	}
}

func unmountIn(dir, p string) error {
	work, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer work.Close()
	return work.Unmount(p, true)
}

// However many entries there are, the mount table is read once.
func TestApplyReadsTheMountTableOnce(t *testing.T) {
	nstest.Need(t)
	work, err := sys.OpenTree(t.TempDir())
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	defer work.Close()
	mount(work, check, t.Cleanup)
	var text strings.Builder
	text.WriteString("root: backend: \"overlay\"\npersist: \"/persist\": {\n")
	for i := range 50 {
		fmt.Fprintf(&text, "\tdirectories: \"/srv/d%d\": {}\n\tfiles: \"/srv/f%d\": method: \"bind\"\n", i, i)
		check(os.MkdirAll(work.Path("disk/store/srv"), 0o755))
		check(os.WriteFile(work.Path(fmt.Sprintf("disk/store/srv/f%d", i)), []byte("kept\n"), 0o644))
	}
	text.WriteString("}\n")
	check(os.Mkdir(work.Path("decl"), 0o755))
	check(os.WriteFile(work.Path("decl/host.cue"), []byte(text.String()), 0o644))
	reads := 0
	sys.TableRead = func() { reads++ }
	defer func() { sys.TableRead = nil }()
	for _, want := range []string{"done   bind /persist/srv/d49 over /srv/d49", "nothing to do"} {
		var out strings.Builder
		reads = 0
		c := command()
		c.SetOut(&out)
		c.SetArgs([]string{"--config", work.Path("decl"), "--root", work.Path("m"), "apply", "--yes"})
		check(c.Execute())
		if reads != 1 || !strings.Contains(out.String(), want) {
			t.Errorf("the mount table was read %d times; want %q in\n%s", reads, want, out.String())
		}
	}
}
