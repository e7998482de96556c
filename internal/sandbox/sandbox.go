// Package sandbox is the little machine of "anicca try".
//
// It lives in a namespace of its own, on a file system in memory, and boots three times.
// Nothing is acted out: its declaration is evaluated, applied, reset and put in place by the code that does so
// on a real machine; only the root is an overlay directory and "booting" is a function call.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/config"
	"anicca/internal/facts"
	"anicca/internal/plan"
	"anicca/internal/recall"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// Boots is how often the little machine restarts.
const Boots = 3

// Result is what happened to the files that programs wrote.
type Result struct {
	Declaration string   `json:"-"`
	Boots       []Fate   `json:"boots"`
	Restored    []string `json:"restored"`
}

// Fate is what one restart did to the files that were written in the session before it.
type Fate struct {
	Lost []string `json:"lost"`
	Kept []string `json:"kept"`
}

// machine is the little machine: a directory with its base, its store and the place where its root is mounted.
type machine struct {
	dir  string
	disk *root.Disk
	tree *sys.Tree // the mounted root
}

// Run makes the little machine below dir, an empty directory, and lets it live.
// The process must be the root of a mount namespace of its own.
func Run(dir string) (*Result, error) {
	if err := sys.MakePrivate(); err != nil {
		return nil, err
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if err := t.Mount("anicca", ".", "tmpfs", nil, "mode=0755"); err != nil {
		return nil, err
	}
	m := &machine{dir: dir}
	for _, d := range []string{"sysroot", "store"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	if err := writeBase(filepath.Join(dir, "anicca/base/1")); err != nil {
		return nil, err
	}
	if m.disk, err = root.CreateOverlay(dir, "anicca/base/1", root.Ledger{Store: "store", StorePath: "/persist"}, time.Now()); err != nil {
		return nil, err
	}
	defer m.disk.Close()
	return m.live()
}

// live lets the machine start, apply its declaration, work and restart.
func (m *machine) live() (*Result, error) {
	if err := m.mount(); err != nil {
		return nil, err
	}
	if err := m.apply(); err != nil {
		return nil, err
	}
	res := &Result{Declaration: declaration, Restored: []string{}}
	for n := 1; n <= Boots; n++ {
		files := session(strconv.Itoa(n))
		if err := m.work(files); err != nil {
			return nil, err
		}
		if err := m.restart(); err != nil {
			return nil, fmt.Errorf("boot %d: %w", n, err)
		}
		fate, err := m.fate(files)
		if err != nil {
			return nil, err
		}
		res.Boots = append(res.Boots, fate)
	}
	const note = "/home/bird/notes-3.txt"
	if err := m.back(note); err != nil {
		return nil, err
	}
	if _, err := m.tree.ReadFile(note); err != nil {
		return nil, err
	}
	res.Restored = append(res.Restored, note)
	return res, m.unmount()
}

// back brings a file back from the archive.
func (m *machine) back(p string) error {
	look := recall.Machine{Disk: m.disk, Root: m.tree}
	v, err := look.Find(p)
	if err != nil {
		return err
	}
	actions, err := look.Restore(v, p, p)
	for i := range actions {
		if err == nil {
			err = look.Do(v, &actions[i], time.Now())
		}
	}
	return errors.Join(err, v.Close())
}

// mount mounts the root and its store, as the initrd does.
func (m *machine) mount() error {
	at := filepath.Join(m.dir, "sysroot")
	if err := m.disk.MountRoot("anicca", at); err != nil {
		return err
	}
	var err error
	if m.tree, err = sys.OpenTree(at); err != nil {
		return err
	}
	top, err := sys.OpenTree(m.dir)
	if err != nil {
		return err
	}
	defer top.Close()
	return sys.Bind(top, "store", m.tree, "/persist", nil)
}

func (m *machine) unmount() error {
	m.tree.Close()
	top, err := sys.OpenTree(m.dir)
	if err != nil {
		return err
	}
	defer top.Close()
	return top.Unmount("sysroot", true)
}

// apply evaluates and applies the declaration of the running machine.
func (m *machine) apply() error {
	at := m.tree.Name()
	fsys := os.DirFS(at)
	accounts, err := facts.ReadAccounts(fsys)
	if err != nil {
		return err
	}
	accounts.Homes = m.tree.FS()
	host, err := config.Load(config.Options{Dir: filepath.Join(at, "etc/anicca"), Host: "little", Accounts: accounts})
	if err != nil {
		return err
	}
	table, err := sys.MountTable()
	if err != nil {
		return err
	}
	defer table.Close()
	id, err := m.disk.Current()
	if err != nil {
		return err
	}
	f, err := facts.Read(facts.Source{FS: fsys, Objects: m.tree.FS(), Prefix: at, Mountinfo: table, Root: id}, host)
	if err != nil {
		return err
	}
	p := plan.Make(host, f)
	if len(p.Conflicts) > 0 {
		return fmt.Errorf("%s: %s", p.Conflicts[0].Path, p.Conflicts[0].Msg)
	}
	return apply.Run(m.tree, p, nil)
}

// work lets the programs of one session write their files.
func (m *machine) work(files []written) error {
	for _, f := range files {
		p := filepath.Join(m.tree.Name(), f.path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		old := []byte{}
		if f.add {
			old, _ = os.ReadFile(p)
		}
		// As editors do, so that a power cut leaves the old file or the new one.
		if err := os.WriteFile(p+".new", append(old, "written by "+f.program+"\n"...), 0o644); err != nil {
			return err
		}
		if err := os.Rename(p+".new", p); err != nil {
			return err
		}
	}
	return nil
}

// restart is a boot: reset, mount, put kept state in place.
func (m *machine) restart() error {
	if err := m.unmount(); err != nil {
		return err
	}
	r := boot.Reset(boot.Machine{Disk: m.disk, Now: time.Now(), BootID: sys.BootID()})
	if r.Outcome != boot.Done {
		return errors.New(r.Why)
	}
	if err := m.disk.Commit(time.Now()); err != nil {
		return err
	}
	if err := m.mount(); err != nil {
		return err
	}
	if err := m.disk.Check(m.tree.Name(), r.Made); err != nil {
		return err
	}
	s, err := sys.OpenTree(filepath.Join(m.dir, "store"))
	if err != nil {
		return err
	}
	defer s.Close()
	b, err := apply.Current(s)
	if err != nil {
		return err
	}
	r.StorePath = "/persist"
	boot.Persist(r, m.disk, m.tree, b, root.Booted{})
	if !r.OK() {
		return errors.New(r.Problems[0])
	}
	return nil
}

// fate looks which of the files still hold what was written to them.
func (m *machine) fate(files []written) (Fate, error) {
	fate := Fate{Lost: []string{}, Kept: []string{}}
	for _, f := range files {
		data, err := m.tree.ReadFile(f.path)
		switch {
		case err == nil && string(data) != basic(f.path):
			fate.Kept = append(fate.Kept, f.path)
		case err == nil || errors.Is(err, os.ErrNotExist):
			fate.Lost = append(fate.Lost, f.path)
		default:
			return fate, err
		}
	}
	return fate, nil
}

func basic(p string) string { return files[p[1:]] }
