package root

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"anicca/internal/sys"
)

// These are the tests of zfs_test.go on a real pool, as far as they do not look into the simulation.
func TestRealZFS(t *testing.T) {
	if os.Getenv("TEST_ZFS") != "1" {
		t.Skip("needs a machine with ZFS: set TEST_ZFS=1 to make a pool " + tankName + " in a file on it")
	}
	for name, f := range map[string]func(*testing.T, *zfsMachine){
		"reset":                 zfsReset,
		"base from an old root": zfsBaseFromAnOldRoot,
		"drop refuses":          zfsDropRefuses,
		"crash walk":            func(t *testing.T, m *zfsMachine) { zfsCrashWalk(t, m, func() {}, 3) },
		"copy":                  zfsCopy,
		"sweep":                 zfsSweep,
	} {
		t.Run(name, func(t *testing.T) { f(t, newReal(t)) })
	}
	t.Run("encrypted", func(t *testing.T) {
		key := filepath.Join(t.TempDir(), "key")
		write(t, key, "a key of thirty-two characters..")
		zfsBaseFromAnOldRoot(t, newReal(t, "-O", "encryption=on", "-O", "keyformat=raw", "-O", "keylocation=file://"+key))
	})
}

// newReal makes a pool in a file, and a machine on it.
func newReal(t *testing.T, options ...string) *zfsMachine {
	t.Helper()
	img := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, 512<<20); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"create", "-o", "cachefile=none", "-O", "mountpoint=none", "-O", "canmount=off"}, options...)
	run(t, "zpool", append(args, tankName, img)...)
	m := &zfsMachine{t: t, p: realTank{t, programs{}}, top: t.TempDir(), now: time.Now()}
	t.Cleanup(func() {
		m.unmount()
		run(t, "zpool", "destroy", tankName)
	})
	if err := os.Mkdir(filepath.Join(m.top, anicca), 0o700); err != nil {
		t.Fatal(err)
	}
	m.layOut()
	return m
}

func (m *zfsMachine) unmount() {
	top, err := sys.OpenTree(m.top)
	if err != nil {
		m.t.Fatal(err)
	}
	defer top.Close()
	_ = top.Unmount(anicca, true)
}

// realTank looks into a real pool.
type realTank struct {
	t *testing.T
	programs
}

// mounted does something to a filesystem that is mounted for writing.
func (r realTank) mounted(dataset string, f func(dir string) error) error {
	dir := r.t.TempDir()
	up, err := sys.OpenTree(filepath.Dir(dir))
	if err != nil {
		return err
	}
	defer up.Close()
	if err := up.Mount(dataset, filepath.Base(dir), "zfs", nil, ""); err != nil {
		return err
	}
	return errors.Join(f(dir), up.Unmount(filepath.Base(dir), false))
}

func (r realTank) Write(dataset, file, text string) error {
	return r.mounted(dataset, func(dir string) error {
		at := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		return os.WriteFile(at, []byte(text), 0o644)
	})
}

func (r realTank) Read(dataset, file string) string {
	dir, done, err := r.Show(dataset)
	if err != nil {
		return ""
	}
	data, _ := os.ReadFile(filepath.Join(dir, file))
	if err := done(); err != nil {
		r.t.Error(err)
	}
	return string(data)
}

func (r realTank) Exists(dataset string) bool {
	id, err := property(dataset, "guid")
	if err != nil {
		r.t.Error(err)
	}
	return id != ""
}

func (r realTank) Automounted() map[string][]string {
	list, err := r.Run("zfs", "list", "-Hp", "-r", "-o", "name,canmount,mountpoint", tankName)
	if err != nil {
		r.t.Error(err)
	}
	out := map[string][]string{}
	for _, line := range lines(list) {
		if f := strings.Split(line, "\t"); f[1] == "on" && strings.HasPrefix(f[2], "/") {
			out[f[2]] = append(out[f[2]], f[0])
		}
	}
	return out
}

// zfsCopy keeps files on a dataset as on any other filesystem, also where renames take no flags.
func zfsCopy(t *testing.T, m *zfsMachine) {
	m.setUp()
	from := t.TempDir()
	write(t, filepath.Join(from, "data/file"), "x\n")
	a, err := sys.OpenTree(from)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	err = m.p.(realTank).mounted(tankName+"/anicca/store", func(dir string) error {
		b, err := sys.OpenTree(dir)
		if err != nil {
			return err
		}
		defer b.Close()
		for _, p := range []string{"data", "data/file"} {
			to := strings.ReplaceAll(p, "/", "-")
			if err := sys.Copy(a, p, b, to); err != nil {
				return err
			}
			if err := b.Rename(to, to+".new"); err != nil {
				return err
			}
			if err := b.Mkdir(to, sys.Mine(0o755)); err != nil {
				return err
			}
			if err := b.Rename(to+".new", to); !errors.Is(err, os.ErrExist) {
				t.Errorf("a rename replaced %s: %v", to, err)
			}
		}
		names, err := b.List(".")
		if want := []string{"data", "data-file", "data-file.new", "data.new"}; !slices.Equal(names, want) {
			t.Errorf("%v, want %v", names, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
