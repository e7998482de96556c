package changes

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// fixed is a directory with files that were last changed at these times, in seconds.
type fixed map[string]int64

func (v fixed) self() (node, error)     { return node{}, nil }
func (v fixed) nodes() ([]node, error)  { panic("not asked for") }
func (v fixed) open(node) (view, error) { return v, nil }
func (v fixed) close()                  {}
func (v fixed) each(f func(node) error) error {
	for name, at := range v {
		n := node{Entry: sys.Entry{Name: name}}
		n.Mode, n.Size = 0o100644, 1
		set(&n.Ctim.Sec, at)
		if err := f(n); err != nil {
			return err
		}
	}
	return nil
}

// set is for fields that are smaller on 32 bits.
func set[T int32 | int64](field *T, to int64) { *field = T(to) }

// A new directory is not as it was when a file in it was changed, also where the clock was ahead when another was.
func TestNewDirectoryIsAnother(t *testing.T) {
	stamp := func(v fixed) int64 {
		t.Helper()
		f := finder{}
		top := node{Entry: sys.Entry{Name: "new"}}
		top.Mode = 0o40755
		if err := f.whole(v, top, "/new", review.Added); err != nil || len(f.found) != 1 {
			t.Fatalf("%v %v", f.found, err)
		}
		return f.found[0].Stamp
	}
	was := stamp(fixed{"ahead": 9000, "a": 1000})
	if stamp(fixed{"ahead": 9000, "a": 1000}) != was {
		t.Error("what is as it was seems another")
	}
	for _, v := range []fixed{{"ahead": 9000, "a": 2000}, {"ahead": 9001, "a": 1000}} {
		if stamp(v) == was {
			t.Errorf("%v seems as it was", v)
		}
	}
}

// Who makes directories deeper than there are descriptors does not keep others from seeing what is lost.
func TestDeeperThanDescriptors(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []string{"base", "now/z"} {
		must(t, os.MkdirAll(filepath.Join(dir, p), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(dir, "now/z/file"), []byte("1"), 0o644))
	base, now := open(t, filepath.Join(dir, "base")), open(t, filepath.Join(dir, "now"))
	tree := now
	for range 600 {
		must(t, tree.Mkdir("d", sys.Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: 0o755}))
		next, err := tree.Child("d")
		must(t, err)
		if tree != now {
			must(t, tree.Close())
		}
		tree = next
	}
	must(t, tree.Close())
	var was unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &was))
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 200, Max: was.Max}))
	defer func() { must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &was)) }()
	for name, find := range map[string]Find{"overlay": Overlay, "walk": Walk} {
		all, err := find(base, now, Look{})
		if err != nil || len(all) != 2 || all[0].Path != "/d" || all[1].Path != "/z" || all[1].Files != 1 {
			t.Errorf("%s: %+v, %.100v", name, all, err)
		}
	}
}
