package apply_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/sys"
)

// once does something right before the first call of a kind for a path.
func once(t *testing.T, op, p string, f func()) (done func() bool) {
	was := false
	sys.Fault = func(o, at string) error {
		if !was && o == op && strings.HasSuffix(at, p) {
			was = true
			f()
		}
		return nil
	}
	t.Cleanup(func() { sys.Fault = nil })
	return func() bool { return was }
}

// A program puts a new directory in the place of one, between two entries in it: what the new one holds is not replaced by a link.
func TestDirectoryIsReplacedBetweenLinks(t *testing.T) {
	m := newMachine(t, map[string]string{"upper/etc/app/.keep": "", "store/etc/app/a": "a\n", "store/etc/app/rc": "kept\n"})
	p := m.plan(file("/etc/app/a", decl.Symlink), file("/etc/app/rc", decl.Symlink))
	replaced := once(t, "rename", "m/etc/app/a", func() {
		must(t, os.Rename(filepath.Join(m.root.Name(), "etc/app"), filepath.Join(m.root.Name(), "etc/old")))
		must(t, os.Mkdir(filepath.Join(m.root.Name(), "etc/app"), 0o755))
		must(t, os.WriteFile(filepath.Join(m.root.Name(), "etc/app/rc"), []byte("precious\n"), 0o644))
	})
	err := apply.Run(m.root, p, nil)
	if !replaced() || !errors.Is(err, apply.ErrWouldLose) {
		t.Errorf("error: %v", err)
	}
	if link, err := m.root.Readlink("/etc/app/rc"); err == nil {
		t.Fatalf("a link to %s has taken the place of the file", link)
	}
	if got := m.read("/etc/app/rc"); got != "precious\n" {
		t.Errorf("the file is %q now", got)
	}
}

// A program puts a new directory in the place of one, between two entries in it: those that come after are put in place in the new one.
func TestDirectoryIsReplacedBetweenBinds(t *testing.T) {
	for _, gone := range []bool{false, true} {
		m := newMachine(t, map[string]string{"upper/srv/app/.keep": "", "store/srv/app/a/x": "a\n", "store/srv/app/b/x": "b\n", "store/srv/app/c/x": "c\n"})
		must(t, m.root.Remove("/srv/app/.keep"))
		p := m.plan(dir("/srv/app/a"), dir("/srv/app/b"), dir("/srv/app/c"))
		at := filepath.Join(m.root.Name(), "srv/app")
		replaced := once(t, "mkdir", "m/srv/app/b", func() {
			if gone {
				must(t, m.root.Unmount("/srv/app/a", true))
				must(t, os.RemoveAll(at))
			} else {
				must(t, os.Rename(at, at+".old"))
			}
			must(t, os.Mkdir(at, 0o755))
		})
		err := apply.Run(m.root, p, nil)
		if !replaced() {
			t.Fatal("the directory was not replaced")
		}
		if ok, _ := sys.MountedFrom(m.root, "/persist/srv/app/c", m.root, "/srv/app/c"); !ok {
			t.Errorf("gone %v: the entry after that is not in place: %v", gone, err)
		}
	}
}
