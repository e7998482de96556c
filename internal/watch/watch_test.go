package watch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	nstest.Apart()
	quiet, limit, retry = quiet/5, limit/5, retry/5
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// machine is a running system with a store, in memory.
type machine struct {
	t     *testing.T
	dir   string // what programs see as the root
	tree  *sys.Tree
	stop  chan os.Signal
	done  chan error
	noWho bool

	mu   sync.Mutex
	said []string
}

const (
	linked  = "/etc/app/linked"
	bound   = "/etc/app/bound"
	carried = "/etc/app/carried"
	folder  = "/srv/data"
)

var usual = []plan.Step{
	{Kind: plan.Symlink, Path: linked},
	{Kind: plan.Bind, Path: bound},
	{Kind: plan.Carry, Path: carried},
	{Kind: plan.Bind, Path: folder, Dir: true},
}

// newMachine is a system after its boot: everything is in place, and the store holds "kept\n" of every file.
func newMachine(t *testing.T, steps ...plan.Step) *machine {
	t.Helper()
	return newMachineOn(t, func(top *sys.Tree) error { return top.Mount("root", "m", "tmpfs", nil, "mode=0755") }, steps...)
}

// newMachineOn is a system whose root is mounted at m in the given directory.
func newMachineOn(t *testing.T, mount func(top *sys.Tree) error, steps ...plan.Step) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: programs replace mounted files from other mount namespaces")
	}
	if len(steps) == 0 {
		steps = usual
	}
	m := &machine{t: t, dir: filepath.Join(nstest.Memory(t), "m")}
	must(t, os.MkdirAll(filepath.Join(filepath.Dir(m.dir), "store"), 0o755))
	must(t, os.Mkdir(m.dir, 0o755))
	up, err := sys.OpenTree(filepath.Dir(m.dir))
	must(t, err)
	defer up.Close()
	must(t, mount(up))
	m.tree, err = sys.OpenTree(m.dir)
	must(t, err)
	t.Cleanup(func() {
		m.end()
		m.tree.Close()
		up, err := sys.OpenTree(filepath.Dir(m.dir))
		must(t, err)
		defer up.Close()
		must(t, up.Unmount("m", true))
	})
	must(t, os.MkdirAll(m.path("/persist"), 0o755))
	must(t, sys.Bind(up, "store", m.tree, "/persist", nil))
	m.record(steps...)
	b := m.plan()
	for _, s := range b.Entries {
		file := m.path(s.Source)
		if s.Dir {
			must(t, os.MkdirAll(file, 0o755))
			file += "/f"
		}
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, []byte("kept\n"), 0o644))
		if s.Kind != plan.Carry {
			must(t, apply.Place(m.tree, s))
		}
	}
	m.carry(b, nil)
	return m
}

// carry places the carried files, as a boot does.
func (m *machine) carry(b *plan.Boot, last apply.Find) {
	m.t.Helper()
	var steps []plan.Step
	for _, s := range b.Entries {
		if s.Kind == plan.Carry {
			steps = append(steps, s)
		}
	}
	c := &apply.Carrier{Root: m.tree, Store: "/persist", ID: "root-1", Now: time.Now(), Last: last}
	for _, x := range c.Carry(steps) {
		must(m.t, x.Err)
	}
	_, err := c.Commit()
	must(m.t, err)
}

func (m *machine) record(steps ...plan.Step) {
	m.t.Helper()
	b := &plan.Boot{Format: plan.Format, Host: "nest", Reset: decl.ResetOn, Stores: []plan.BootStore{{Path: "/persist"}}, Entries: []plan.Step{}}
	for _, s := range steps {
		s.Store, s.Source = "/persist", "/persist"+s.Path
		b.Entries = append(b.Entries, s)
	}
	must(m.t, apply.Run(m.tree, &plan.Plan{Steps: []plan.Step{{Kind: plan.Record, Path: "/persist/.anicca/current", Store: "/persist", Boot: b}}}, nil))
}

func (m *machine) plan() *plan.Boot {
	m.t.Helper()
	store, err := m.tree.Sub("/persist")
	must(m.t, err)
	defer store.Close()
	b, err := apply.Current(store)
	must(m.t, err)
	return b
}

// watch starts the watcher and waits until it listens.
func (m *machine) watch() {
	m.t.Helper()
	m.stop, m.done = make(chan os.Signal), make(chan error, 1)
	go func() { m.done <- Run(m.options(), m.stop) }()
	m.until("it listens", func() bool {
		s, runs, err := ReadState(m.state())
		return err == nil && runs && s != nil && !s.Ended && s.Dirs > 0
	})
}

func (m *machine) options() Options {
	r := &boot.Record{StorePath: "/persist", Outcome: boot.Done, Root: "root-1", BootID: "boot", Made: &root.Made{UUID: "root-1"}}
	return Options{Root: m.tree, Record: r, State: m.state(), NoWho: m.noWho, Say: func(s string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.said = append(m.said, s)
	}}
}

// end tells the watcher to end, and waits.
func (m *machine) end() {
	m.t.Helper()
	if m.stop == nil {
		return
	}
	close(m.stop)
	must(m.t, <-m.done)
	m.stop = nil
}

func (m *machine) state() string        { return filepath.Join(filepath.Dir(m.dir), "watch.json") }
func (m *machine) path(p string) string { return filepath.Join(m.dir, p) }

func (m *machine) lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.said)
}

// until waits for something that has to come.
func (m *machine) until(what string, ok func() bool) {
	m.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s, _, err := ReadState(m.state())
			m.t.Fatalf("it never came: %s\n%s\n%+v %v", what, strings.Join(m.lines(), "\n"), s, err)
		}
	}
}

func (m *machine) read(p string) string {
	data, err := os.ReadFile(m.path(p))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func (m *machine) write(p, text string) {
	m.t.Helper()
	must(m.t, os.WriteFile(m.path(p), []byte(text), 0o644))
}

// replace puts another file at a path, as editors do.
func (m *machine) replace(p, text string) {
	m.t.Helper()
	m.write(p+"+", text)
	must(m.t, os.Rename(m.path(p+"+"), m.path(p)))
}

func (m *machine) isLink() bool {
	target, err := os.Readlink(m.path(linked))
	return err == nil && target == "/persist"+linked
}

// sh runs a script that finds the root of the machine in $m. Elsewhere, it does so in a mount namespace of its own.
func (m *machine) sh(elsewhere bool, script string) string {
	m.t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Env = append(os.Environ(), "m="+m.dir)
	if elsewhere {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func (m *machine) inPlace(p string) bool {
	i := slices.IndexFunc(m.plan().Entries, func(s plan.Step) bool { return s.Path == p })
	return apply.Verify(m.tree, m.plan().Entries[i]) == nil
}

// asides are the versions of a file that were put aside.
func (m *machine) asides(p string) (out []string) {
	m.t.Helper()
	found, err := filepath.Glob(m.path("/persist/.anicca/carry/aside/*" + p))
	must(m.t, err)
	for _, f := range found {
		data, err := os.ReadFile(f)
		must(m.t, err)
		out = append(out, string(data))
	}
	return out
}

// wrong is what the watcher tells of a path that it could not heal.
func (m *machine) wrong(p string) string {
	s, _, err := ReadState(m.state())
	if err != nil || s == nil {
		return fmt.Sprint(err)
	}
	for _, x := range s.Wrong {
		if x.Path == p {
			return x.What
		}
	}
	return ""
}

// leftNothing fails if something of the watcher's own work lies around.
func (m *machine) leftNothing() {
	m.t.Helper()
	must(m.t, filepath.WalkDir(m.dir, func(p string, d os.DirEntry, err error) error {
		if strings.HasPrefix(d.Name(), ".anicca-") {
			m.t.Errorf("%s is left", p)
		}
		return err
	}))
}

// eachWay runs a test with fanotify and with inotify alone.
func eachWay(t *testing.T, test func(t *testing.T, m *machine)) {
	for _, noWho := range []bool{false, true} {
		t.Run(map[bool]string{false: "fanotify", true: "inotify"}[noWho], func(t *testing.T) {
			m := newMachine(t)
			m.noWho = noWho
			test(t, m)
		})
	}
}
