package apply_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/nstest"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	if os.Getenv(swapEnv) != "" {
		swap()
		return
	}
	nstest.Enter()
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// machine is a root and a store in memory. Its files survive restart, its mounts do not.
type machine struct {
	t    *testing.T
	dir  string
	disk *sys.Tree
	root *sys.Tree
}

func newMachine(t *testing.T, files map[string]string) *machine {
	t.Helper()
	nstest.Need(t)
	m := &machine{t: t, dir: t.TempDir()}
	var err error
	m.disk, err = sys.OpenTree(m.dir)
	must(t, err)
	must(t, m.disk.Mount("disk", ".", "tmpfs", nil, "mode=0755"))
	m.disk.Close()
	m.disk, err = sys.OpenTree(m.dir)
	must(t, err)
	for _, d := range []string{"base/persist", "upper", "work", "store", "m"} {
		must(t, os.MkdirAll(filepath.Join(m.dir, d), 0o755))
	}
	for p, text := range files {
		p = filepath.Join(m.dir, p)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(text), 0o644))
	}
	m.start()
	t.Cleanup(func() {
		m.stop()
		m.disk.Close()
		up, err := sys.OpenTree(filepath.Dir(m.dir))
		must(t, err)
		defer up.Close()
		must(t, up.Unmount(filepath.Base(m.dir), true))
	})
	return m
}

func (m *machine) start() {
	at := filepath.Join(m.dir, "m")
	must(m.t, m.disk.Mount("root", "m", "overlay", nil,
		"userxattr,lowerdir="+m.dir+"/base,upperdir="+m.dir+"/upper,workdir="+m.dir+"/work"))
	var err error
	m.root, err = sys.OpenTree(at)
	must(m.t, err)
	must(m.t, sys.Bind(m.disk, "store", m.root, "/persist", nil))
}

func (m *machine) stop() {
	m.root.Close()
	must(m.t, m.disk.Unmount("m", true))
}

func (m *machine) plan(entries ...decl.Entry) *plan.Plan {
	m.t.Helper()
	for i := range entries {
		entries[i].Store = "/persist"
		entries[i].Pos = decl.Pos{File: "a.cue", Line: i + 1, Col: 1}
	}
	host := &decl.Host{
		Root:   decl.Root{Backend: decl.Overlay, Reset: decl.ResetOn},
		Stores: []decl.Store{{Path: "/persist", Entries: entries}},
	}
	table, err := os.Open("/proc/self/mountinfo")
	must(m.t, err)
	defer table.Close()
	f, err := facts.Read(facts.Source{FS: os.DirFS(m.root.Name()), Objects: m.root.FS(), Prefix: m.root.Name(), Mountinfo: table}, host)
	must(m.t, err)
	return plan.Make(host, f)
}

func (m *machine) read(p string) string {
	m.t.Helper()
	data, err := m.root.ReadFile(p)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	return string(data)
}

func dir(p string) decl.Entry {
	return decl.Entry{Path: p, Kind: decl.Directory, Method: decl.Bind}
}

func file(p string, how decl.Method) decl.Entry {
	return decl.Entry{Path: p, Kind: decl.File, Method: how}
}

func declared() []decl.Entry {
	data, mode := dir("/srv/data"), decl.Mode(0o2750)
	data.Perm.Mode, data.Enforce = &mode, true
	return []decl.Entry{
		data, dir("/srv/new/deep"), file("/etc/bind", decl.Bind), file("/etc/link", decl.Symlink),
		file(decl.MachineID, decl.Copy), file("/etc/later", decl.Bind),
	}
}

func before() map[string]string {
	return map[string]string{
		"base/srv/data/a": "a\n", "base/srv/data/sub/b": "b\n", "base/etc/bind": "bind\n", "base/etc/link": "link\n",
		"base/etc/machine-id": "0123\n", "base/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
	}
}

var want = map[string]string{
	"/srv/data/a": "a\n", "/srv/data/sub/b": "b\n", "/etc/bind": "bind\n", "/persist/etc/link": "link\n", "/etc/machine-id": "0123\n",
}

func TestRun(t *testing.T) {
	m := newMachine(t, before())
	p := m.plan(declared()...)
	must(t, apply.Run(m.root, p, nil))
	for path, text := range want {
		if got := m.read(path); got != text {
			t.Errorf("%s: %q", path, got)
		}
	}
	for path, text := range map[string]string{"/persist/srv/data/sub/b": "b\n", "/persist/etc/machine-id": "0123\n"} {
		if got := m.read(path); got != text {
			t.Errorf("%s: %q", path, got)
		}
	}
	if link, err := m.root.Readlink("/etc/link"); err != nil || link != "/persist/etc/link" {
		t.Errorf("link: %s, %v", link, err)
	}
	if again := m.plan(declared()...); len(again.Steps) != 0 || len(again.Conflicts) != 0 {
		t.Errorf("a second plan finds something to do: %+v %+v", again.Steps, again.Conflicts)
	}
	store, err := m.root.Sub("/persist")
	must(t, err)
	defer store.Close()
	b, err := apply.Current(store)
	must(t, err)
	if b == nil || b.Generation != 1 || len(b.Entries) != len(declared()) {
		t.Errorf("recorded: %+v", b)
	}
}

// What changed between plan and apply is not hidden: the program looks again at the last moment.
func TestRunLooksAgain(t *testing.T) {
	m := newMachine(t, map[string]string{"base/srv/.keep": ""})
	p := m.plan(dir("/srv/data"), file("/etc/f", decl.Symlink), dir("/srv/good"))
	must(t, m.root.MkdirAll("/srv/data", func(string) sys.Perm { return sys.Perm{Mode: 0o755} }))
	must(t, m.root.WriteFile("/srv/data/precious", []byte("precious\n"), sys.Perm{Mode: 0o644}))
	err := apply.Run(m.root, p, nil)
	if !errors.Is(err, apply.ErrWouldLose) || !strings.Contains(err.Error(), "/srv/data") {
		t.Errorf("error: %v", err)
	}
	if m.read("/srv/data/precious") != "precious\n" {
		t.Error("data was hidden")
	}
	if ok, _ := sys.MountedFrom(m.root, "/persist/srv/good", m.root, "/srv/good"); !ok {
		t.Error("another entry did not go on")
	}
}

// The power is cut at every call that changes something. Before the next try, all data is whole at its path or in the store,
// and the next apply finishes.
func TestPowerCutAtEveryCall(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	for n := 1; ; n++ {
		m := newMachine(t, before())
		p := m.plan(declared()...)
		left := n
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		err := apply.Run(m.root, p, nil)
		sys.Fault = nil
		if err == nil {
			if n < 20 {
				t.Fatalf("an apply made only %d calls: is the seam still used?", n-1)
			}
			return
		}
		m.stop()
		m.start()
		for path, text := range want {
			if path == "/persist/etc/link" {
				continue
			}
			if got := m.read(path); got != text {
				t.Fatalf("call %d: %s is %q without any mount", n, path, got)
			}
		}
		again := m.plan(declared()...)
		if len(again.Conflicts) > 0 {
			t.Fatalf("call %d: %+v", n, again.Conflicts)
		}
		if err := apply.Run(m.root, again, nil); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		for path, text := range want {
			if got := m.read(path); got != text {
				t.Fatalf("after call %d: %s is %q", n, path, got)
			}
		}
		if last := m.plan(declared()...); len(last.Steps) > 0 {
			t.Fatalf("after call %d: still to do: %+v", n, last.Steps)
		}
	}
}
