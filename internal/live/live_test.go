package live_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/live"
	"anicca/internal/nstest"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	nstest.Enter()
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const declaration = `root: backend: "overlay"
persist: "/persist": {
	directories: "/srv/data": {}
	files: {
		"/etc/bound": method: "bind"
		"/etc/linked": method: "symlink"
	}
}
`

// machine is a root and a store in memory, and a declaration that is applied. Its files survive restart, its mounts do not.
type machine struct {
	live.Machine
	t    *testing.T
	dir  string
	disk *sys.Tree
}

func newMachine(t *testing.T) *machine {
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
	for p, text := range map[string]string{
		"base/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "base/srv/data/a": "a\n", "base/srv/data/sub/b": "b\n", "base/srv/data/gone": "gone\n",
		"base/etc/bound": "bound\n", "base/etc/linked": "linked\n", "base/persist/.keep": "", "decl/a.cue": declaration,
		"upper/.keep": "", "work/.keep": "", "store/.keep": "", "m/.keep": "",
	} {
		p = filepath.Join(m.dir, p)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(text), 0o644))
	}
	must(t, os.RemoveAll(filepath.Join(m.dir, "work/.keep")))
	m.Declaration = config.Options{Dir: filepath.Join(m.dir, "decl"), Host: "nest"}
	m.Facts = m.facts
	m.start()
	t.Cleanup(func() {
		m.stop()
		m.disk.Close()
		up, err := sys.OpenTree(filepath.Dir(m.dir))
		must(t, err)
		defer up.Close()
		must(t, up.Unmount(filepath.Base(m.dir), true))
	})
	host, err := config.Load(m.Declaration)
	must(t, err)
	f, err := m.facts(host)
	must(t, err)
	must(t, apply.Run(m.Root, plan.Make(host, f), nil))
	m.write("/srv/data/a", "newer\n")
	m.write("/srv/data/sub/c", "c\n")
	must(t, m.Root.Remove("/srv/data/gone"))
	m.write("/etc/bound", "bound, newer\n")
	return m
}

func (m *machine) start() {
	at := filepath.Join(m.dir, "m")
	must(m.t, m.disk.Mount("root", "m", "overlay", nil,
		"userxattr,lowerdir="+m.dir+"/base,upperdir="+m.dir+"/upper,workdir="+m.dir+"/work"))
	var err error
	m.Root, err = sys.OpenTree(at)
	must(m.t, err)
	must(m.t, sys.Bind(m.disk, "store", m.Root, "/persist", nil))
}

func (m *machine) stop() {
	m.Root.Close()
	must(m.t, m.disk.Unmount("m", true))
}

// boot does what a boot does that keeps the root.
func (m *machine) boot() *plan.Boot {
	m.t.Helper()
	store, err := m.Root.Sub("/persist")
	must(m.t, err)
	defer store.Close()
	b, err := apply.Current(store)
	must(m.t, err)
	for _, s := range b.Entries {
		must(m.t, apply.Place(m.Root, s))
	}
	return b
}

func (m *machine) facts(host *decl.Host) (*facts.Facts, error) {
	table, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer table.Close()
	return facts.Read(facts.Source{FS: os.DirFS(m.Root.Name()), Prefix: m.Root.Name(), Mountinfo: table}, host)
}

// write writes as programs do, into the file that lies there.
func (m *machine) write(p, text string) {
	m.t.Helper()
	must(m.t, os.WriteFile(m.Root.Path(p), []byte(text), 0o644))
}

func (m *machine) read(p string) string {
	m.t.Helper()
	if to, err := m.Root.Readlink(p); err == nil {
		p = to
	}
	data, err := m.Root.ReadFile(p)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	return string(data)
}

var want = map[string]string{
	"/srv/data/a": "newer\n", "/srv/data/sub/b": "b\n", "/srv/data/sub/c": "c\n", "/srv/data/gone": "", "/etc/bound": "bound, newer\n", "/etc/linked": "linked\n",
}

// whole checks that all data can be read at its path and in the store.
func (m *machine) whole(when string, n int) {
	m.t.Helper()
	for p, text := range want {
		if got := m.read(p); got != text {
			m.t.Fatalf("%s %d: %s is %q", when, n, p, got)
		}
		if got := m.read("/persist" + p); got != text {
			m.t.Fatalf("%s %d: the kept copy of %s is %q", when, n, p, got)
		}
	}
}

func all() []string { return []string{"/srv/data", "/etc/bound", "/etc/linked"} }

func (m *machine) inPlace(p string) bool {
	ok, err := sys.MountedFrom(m.Root, "/persist"+p, m.Root, p)
	must(m.t, err)
	return ok
}

// The power is cut at every call that changes something: all data is whole at its path and in the store after the next boot,
// and forgetting can be said again.
func TestForgetPowerCutAtEveryCall(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	for n := 1; ; n++ {
		m := newMachine(t)
		c, err := live.Forget(m.Machine, all(), live.Leave, time.Now())
		must(t, err)
		left := n
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		err = c.Run(nil)
		sys.Fault = nil
		m.stop()
		m.start()
		b := m.boot()
		m.whole("call", n)
		if err == nil {
			if len(b.Entries) != 0 || n < 20 {
				t.Fatalf("after %d calls, %d entries are left", n, len(b.Entries))
			}
			return
		}
		host, err := config.Load(m.Declaration)
		must(t, err)
		if len(host.Stores[0].Entries) == 0 && len(b.Entries) > 0 { // declared no more, and kept until it is applied
			f, err := m.facts(host)
			must(t, err)
			must(t, apply.Run(m.Root, plan.Make(host, f), nil))
		}
	}
}

// A program that has something open is named, and nothing is torn from it; when it has ended, the same command does the rest.
func TestForgetBusy(t *testing.T) {
	m := newMachine(t)
	open := map[string]*os.File{}
	for _, p := range []string{"/srv/data/sub/c", "/etc/bound", "/persist/etc/linked"} {
		f, err := os.OpenFile(m.Root.Path(p), os.O_RDWR, 0)
		must(t, err)
		defer f.Close()
		open[p] = f
	}
	c, err := live.Forget(m.Machine, all(), live.Archive, time.Now())
	must(t, err)
	must(t, c.Run(nil))
	for _, x := range c.Taken {
		if x.Waits == "" || x.Done || len(x.Holders) != 1 || x.Holders[0].PID != os.Getpid() || !strings.HasPrefix(x.Holders[0].Use, "has /") {
			t.Errorf("%s: %+v", x.Path, x)
		}
	}
	if !m.inPlace("/srv/data") || !m.inPlace("/etc/bound") {
		t.Error("a busy entry was taken away")
	}
	if b := m.current(); len(b.Entries) != 0 {
		t.Errorf("the next boot would still keep %+v", b.Entries)
	}
	m.whole("busy", 0)
	for _, f := range open {
		f.Close()
	}
	c, err = live.Forget(m.Machine, all(), live.Leave, time.Now())
	must(t, err)
	must(t, c.Run(nil))
	if m.inPlace("/srv/data") || m.inPlace("/etc/bound") {
		t.Error("what is not busy any more was not taken away")
	}
	m.whole("free", 0)
}

func (m *machine) current() *plan.Boot {
	m.t.Helper()
	store, err := m.Root.Sub("/persist")
	must(m.t, err)
	defer store.Close()
	b, err := apply.Current(store)
	must(m.t, err)
	return b
}

// What is written while the command is at work, up to the last moment, is there afterwards.
func TestForgetWhileProgramsWrite(t *testing.T) {
	defer func() { sys.Fault = nil }()
	m := newMachine(t)
	c, err := live.Forget(m.Machine, all(), live.Leave, time.Now())
	must(t, err)
	moments := 0
	sys.Fault = func(op, p string) error {
		if op == "unmount" || op == "symlink" { // the boot plan is switched over by a link
			moments++
			m.write("/srv/data/written at "+op+filepath.Base(p), op)
			m.write("/srv/data/a", "newest "+op)
			m.write("/etc/bound", "newest "+op)
			_ = m.Root.Remove("/srv/data/sub/b")
		}
		return nil
	}
	must(t, c.Run(nil))
	sys.Fault = nil
	if moments != 3 || m.inPlace("/srv/data") {
		t.Fatalf("%d moments", moments)
	}
	for p, text := range map[string]string{
		"/srv/data/a": "newest unmount", "/srv/data/written at unmountdata": "unmount", "/srv/data/written at symlinkcurrent": "symlink", "/etc/bound": "newest unmount",
		"/srv/data/sub/b": "",
	} {
		if got := m.read(p); got != text {
			t.Errorf("%s is %q", p, got)
		}
	}
}

// A program that had a file open when it was covered writes on into the covered one. That is never thrown away.
func TestForgetWhatWasWrittenBeneath(t *testing.T) {
	m := newMachine(t)
	covered, err := m.Root.Beneath("/srv")
	must(t, err)
	time.Sleep(20 * time.Millisecond) // clocks of filesystems are coarse
	must(t, covered.WriteFile("data/sub/b", []byte("written beneath\n"), sys.Mine(0o644)))
	c, err := live.Forget(m.Machine, []string{"/srv/data"}, live.Archive, time.Now())
	must(t, err)
	must(t, c.Run(nil))
	if x := c.Taken[0]; x.Done || !strings.Contains(x.Waits, "/srv/data/sub/b open") || !m.inPlace("/srv/data") {
		t.Errorf("%+v", x)
	}
	if got, err := covered.ReadFile("data/sub/b"); err != nil || string(got) != "written beneath\n" {
		t.Errorf("%q, %v", got, err)
	}
	if m.read("/persist/srv/data/a") != "newer\n" {
		t.Error("the kept copy was moved away from below its mount")
	}
	covered.Close()

	beside, err := m.Root.Beneath("/etc")
	must(t, err)
	time.Sleep(20 * time.Millisecond)
	m.write("/etc/newest", "written beneath\n")
	must(t, sys.Overwrite(m.Root, "/etc/newest", beside, "bound"))
	c, err = live.Forget(m.Machine, []string{"/etc/bound"}, live.Leave, time.Now())
	must(t, err)
	must(t, c.Run(nil))
	if x := c.Taken[0]; x.Done || x.Waits == "" || !m.inPlace("/etc/bound") || m.read("/etc/bound") != "bound, newer\n" {
		t.Errorf("%+v", x)
	}
	beside.Close()
}

// A mount inside of what is taken away would hang in the air: it is named, and everything stays until the next boot.
func TestForgetWithAMountInside(t *testing.T) {
	m := newMachine(t)
	must(t, m.Root.Mount("inside", "/srv/data/sub", "tmpfs", nil, ""))
	c, err := live.Forget(m.Machine, []string{"/srv/data"}, live.Delete, time.Now())
	must(t, err)
	must(t, c.Run(nil))
	if x := c.Taken[0]; x.Done || x.Waits != "/srv/data/sub is mounted in it" || !m.inPlace("/srv/data") {
		t.Errorf("%+v", x)
	}
	must(t, m.Root.Unmount("/srv/data/sub", false))
	m.whole("with a mount inside", 0)
}

// What somebody edits while the command asks is not overwritten.
func TestDeclarationChangedMeanwhile(t *testing.T) {
	m := newMachine(t)
	must(t, os.WriteFile(m.Root.Path("/etc/more"), []byte("more\n"), 0o644))
	c, err := live.Keep(m.Machine, []string{"/etc/more"}, "")
	must(t, err)
	p := filepath.Join(m.dir, "decl/a.cue")
	must(t, os.WriteFile(p, []byte(declaration+"// mine\n"), 0o644))
	must(t, os.Chmod(p, 0o640))
	if err := c.Run(nil); err == nil || !strings.Contains(err.Error(), "was changed meanwhile") {
		t.Errorf("%v", err)
	}
	if ok, _ := m.Root.Exists("/persist/etc/more"); ok {
		t.Error("it was applied nevertheless")
	}
	c, err = live.Keep(m.Machine, []string{"/etc/more"}, "")
	must(t, err)
	must(t, c.Run(nil))
	got, err := os.ReadFile(p)
	must(t, err)
	if s, err := os.Stat(p); err != nil || s.Mode().Perm() != 0o640 || !strings.HasSuffix(string(got), "}\n// mine\n") || !strings.Contains(string(got), "/etc/more") {
		t.Errorf("%s %v:\n%s", s.Mode(), err, got)
	}
	if m.read("/etc/more") != "more\n" || m.read("/persist/etc/more") != "more\n" {
		t.Error("it is not kept")
	}
}

// A change to two files of a declaration is made in both or in none, whatever fails, and what is said of that is true.
func TestTwoFilesOrNone(t *testing.T) {
	defer func() { sys.Fault = nil }()
	m := newMachine(t)
	a, b := filepath.Join(m.dir, "decl/a.cue"), filepath.Join(m.dir, "decl/b.cue")
	const more = `persist: "/persist": files: "/etc/more": {}` + "\n"
	must(t, os.WriteFile(b, []byte(more), 0o640))
	is := func(p string) string {
		text, err := os.ReadFile(p)
		must(t, err)
		return string(text)
	}
	change := func() *live.Change {
		c, err := live.Forget(m.Machine, []string{"/etc/linked", "/etc/more"}, live.Leave, time.Now())
		must(t, err)
		if len(c.Edited) != 2 {
			t.Fatalf("%d files are edited", len(c.Edited))
		}
		return c
	}
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "Nothing was written") || is(a) != declaration || !strings.HasPrefix(is(b), more) {
			t.Errorf("%s: %v\n%s%s", what, err, is(a), is(b))
		}
		if names, err := os.ReadDir(filepath.Dir(a)); err != nil || len(names) != 2 {
			t.Errorf("%s: %v %v", what, names, err)
		}
	}
	c := change()
	must(t, os.WriteFile(b, []byte(more+"// mine\n"), 0o640))
	err := c.Run(nil)
	refused("the second was edited meanwhile", err)
	if !strings.Contains(err.Error(), b+" was changed meanwhile") {
		t.Error(err)
	}
	must(t, os.WriteFile(b, []byte(more), 0o640))
	for _, op := range []string{"create", "write", "flush", "rename"} {
		c, met := change(), 0
		sys.Fault = func(o, p string) error {
			if o == op && strings.Contains(p, "/decl") {
				if met++; met == 2 {
					return errors.New("broken disk")
				}
			}
			return nil
		}
		err := c.Run(nil)
		sys.Fault = nil
		refused(op, err)
	}
	c = change()
	broken := false
	sys.Fault = func(op, p string) error {
		if broken = broken || op == "rename" && strings.HasSuffix(p, "to "+b); broken {
			return errors.New("broken disk")
		}
		return nil
	}
	err = c.Run(nil)
	sys.Fault = nil
	if err == nil || strings.Contains(err.Error(), "Nothing") || !strings.Contains(err.Error(), a+" was written, and could not be put back") || is(a) == declaration {
		t.Errorf("nothing can be put back: %v\n%s", err, is(a))
	}
	must(t, os.WriteFile(a, []byte(declaration), 0o644))
	must(t, change().Run(nil))
	if s, err := os.Stat(b); err != nil || s.Mode().Perm() != 0o640 || strings.Contains(is(a)+is(b), "/etc/linked\": m") || strings.Contains(is(b), "/etc/more") {
		t.Errorf("%v\n%s%s", err, is(a), is(b))
	}
}

// A linked directory becomes one of its own again; at every moment of that, its data is whole.
func TestForgetLinkedDirectory(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	for n := 1; ; n++ {
		m := newMachine(t)
		must(t, os.WriteFile(filepath.Join(m.dir, "decl/b.cue"), []byte(`persist: "/persist": directories: "/srv/linked": method: "symlink"`+"\n"), 0o644))
		must(t, os.MkdirAll(m.Root.Path("/srv/linked/sub"), 0o755))
		m.write("/srv/linked/sub/x", "x\n")
		host, err := config.Load(m.Declaration)
		must(t, err)
		f, err := m.facts(host)
		must(t, err)
		must(t, apply.Run(m.Root, plan.Make(host, f), nil))
		if to, err := m.Root.Readlink("/srv/linked"); err != nil || to != "/persist/srv/linked" {
			t.Fatalf("is no link: %s, %v", to, err)
		}
		busy := exec.Command("cat")
		busy.Dir = m.Root.Path("/persist/srv/linked/sub")
		stdin, err := busy.StdinPipe()
		must(t, err)
		must(t, busy.Start())
		c, err := live.Forget(m.Machine, []string{"/srv/linked"}, live.Leave, time.Now())
		must(t, err)
		if len(c.Taken) != 1 || len(c.Taken[0].Holders) != 1 {
			t.Fatalf("who uses it: %+v", c.Taken)
		}
		stdin.Close()
		must(t, busy.Wait())
		c, err = live.Forget(m.Machine, []string{"/srv/linked"}, live.Leave, time.Now())
		must(t, err)
		left := n
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				return cut
			}
			return nil
		}
		err = c.Run(nil)
		sys.Fault = nil
		if got := m.read("/persist/srv/linked/sub/x"); got != "x\n" {
			t.Fatalf("call %d: the kept copy is %q", n, got)
		}
		to, linkErr := m.Root.Readlink("/srv/linked")
		if linked := linkErr == nil && to == "/persist/srv/linked"; !linked && m.read("/srv/linked/sub/x") != "x\n" {
			t.Fatalf("call %d: neither the link nor the data is there", n)
		}
		if err == nil {
			if linkErr == nil || !c.Taken[0].Done || n < 5 {
				t.Fatalf("still a link after %d calls: %+v", n, c.Taken)
			}
			if names, err := m.Root.List("/srv"); err != nil || slices.ContainsFunc(names, sys.IsTemp) {
				t.Fatalf("%v, %v", names, err)
			}
			return
		}
	}
}

// What is edited in several files is written in all of them or in none.
func TestSeveralFilesChangedMeanwhile(t *testing.T) {
	m := newMachine(t)
	p, other := filepath.Join(m.dir, "decl/a.cue"), filepath.Join(m.dir, "decl/b.cue")
	const more = "persist: \"/persist\": files: \"/etc/more\": {}\n"
	must(t, os.WriteFile(other, []byte(more), 0o644))
	c, err := live.Forget(m.Machine, []string{"/srv/data", "/etc/more"}, live.Leave, time.Now())
	must(t, err)
	if len(c.Edited) != 2 {
		t.Fatalf("%d files are edited", len(c.Edited))
	}
	must(t, os.WriteFile(other, []byte(more+"// mine\n"), 0o644))
	if err := c.Run(nil); err == nil || !strings.Contains(err.Error(), "Nothing was written") {
		t.Errorf("%v", err)
	}
	if got, err := os.ReadFile(p); err != nil || string(got) != declaration {
		t.Errorf("%v, and it was:\n%s", err, got)
	}
}

// Who stops before anything is changed has changed nothing, and who stops later has kept the copies that were to be deleted.
func TestForgetIsStopped(t *testing.T) {
	stopped := errors.New("stopped")
	for after := range 2 {
		m := newMachine(t)
		left := after
		m.Stop = func() error {
			if left--; left < 0 {
				return stopped
			}
			return nil
		}
		c, err := live.Forget(m.Machine, all(), live.Delete, time.Now())
		must(t, err)
		if err := c.Run(nil); !errors.Is(err, stopped) {
			t.Errorf("%v", err)
		}
		m.whole("stopped", after)
		host, err := config.Load(m.Declaration)
		must(t, err)
		if n := len(host.Stores[0].Entries); after == 0 && n != 3 || after > 0 && n != 0 {
			t.Errorf("stopped after %d questions, %d entries are declared", after, n)
		}
	}
}

// The store itself, and anicca's own records in it, are no kept copies.
func TestForgetIsNotForStores(t *testing.T) {
	for _, p := range []string{"/", "/.anicca", "/.anicca/generations", "/srv"} {
		for _, fate := range []live.Fate{live.Delete, live.Archive} {
			m := newMachine(t)
			c, err := live.Forget(m.Machine, []string{p}, fate, time.Now())
			if err == nil {
				t.Errorf("%s %s: %v", fate, p, c.Run(nil))
			}
			m.whole(p, 0)
			if m.current() == nil {
				t.Errorf("%s %s: the boot plan is gone", fate, p)
			}
		}
	}
}

// Nor can they be kept, so that nobody forgets them.
func TestKeepIsNotForRecords(t *testing.T) {
	m := newMachine(t)
	if _, err := live.Keep(m.Machine, []string{"/.anicca"}, ""); err == nil || !strings.Contains(err.Error(), "its own records") {
		t.Errorf("%v", err)
	}
}

// What a container, or another place, shows of a kept copy is not deleted under it.
func TestForgetWhatIsMountedElsewhere(t *testing.T) {
	m := newMachine(t)
	must(t, os.MkdirAll(m.Root.Path("/other"), 0o755))
	must(t, sys.Bind(m.Root, "/persist/srv/data/sub", m.Root, "/other", nil))
	c, err := live.Forget(m.Machine, []string{"/srv/data"}, live.Delete, time.Now())
	must(t, err)
	if err := c.Run(nil); err == nil || !strings.Contains(err.Error(), "mounted at "+m.Root.Path("/other")) {
		t.Errorf("%v", err)
	}
	if m.read("/other/b") != "b\n" || m.read("/persist/srv/data/a") != want["/srv/data/a"] {
		t.Error("it was deleted")
	}
	must(t, m.Root.Unmount("/other", false))
	c, err = live.Forget(m.Machine, []string{"/srv/data"}, live.Delete, time.Now())
	must(t, err)
	must(t, c.Run(nil))
	if ok, err := m.Root.Exists("/persist/srv/data"); ok || err != nil || m.read("/srv/data/a") != want["/srv/data/a"] {
		t.Errorf("when it is not: %v, %v", ok, err)
	}
}
