package changes

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// walksRight walks without knowing the base, and with what was kept of it under a name before; the second time nothing new may be learnt.
func walksRight(t *testing.T, base, now string, kept map[string][]byte, name string, want []string) bool {
	t.Helper()
	was, err := sys.OpenTree(base)
	must(t, err)
	defer was.Close()
	is, err := sys.OpenTree(now)
	must(t, err)
	defer is.Close()
	got, err := Walk(was, is, lookHere)
	must(t, err)
	if !equal(t, lines(got), want) {
		t.Error("the above is by walking, without knowing anything")
		return false
	}
	for again := range 2 {
		look := lookHere
		look.Known = NewKnown(name, func() []byte { return kept[name] })
		known, err := Walk(was, is, look)
		must(t, err)
		if !slices.Equal(known, got) {
			equal(t, lines(known), want)
			t.Error("the above is by walking, and knowing the base")
			return false
		}
		data, more := look.Known.Data()
		if more {
			kept[name] = data
		}
		if again == 1 && more {
			t.Error("the base was read again")
		}
	}
	return true
}

// grown is a base with some directories, and a root that shares its files as a clone does.
func grown(t *testing.T) (base, now string) {
	t.Helper()
	top := disk(t, "btrfs", 256)
	tree := open(t, top)
	must(t, tree.CreateSubvolume("root"))
	now, base = filepath.Join(top, "root"), filepath.Join(top, "base")
	for i := range 300 {
		d := filepath.Join(now, fmt.Sprint("d", i%30))
		must(t, os.MkdirAll(d, 0o755))
		must(t, os.WriteFile(filepath.Join(d, fmt.Sprint(i)), []byte("text"), 0o644))
	}
	freeze(t, tree, "base")
	return base, now
}

// What is kept of a base may be torn, or be of another base: then it is found out again, and the answer is right.
func TestKnownIsNotTrusted(t *testing.T) {
	base, now := grown(t)
	walk := func(name string, kept []byte) ([]string, []byte) {
		t.Helper()
		k := NewKnown(name, func() []byte { return kept })
		all, err := Walk(open(t, base), open(t, now), Look{Known: k})
		must(t, err)
		data, _ := k.Data()
		return lines(all), data
	}
	none, good := walk("1", nil)
	if len(none) > 0 || len(good) == 0 {
		t.Fatalf("told %q, %d bytes to keep", none, len(good))
	}
	must(t, os.WriteFile(filepath.Join(now, "d1/1"), []byte("TEXT"), 0o644))
	must(t, os.Remove(filepath.Join(now, "d2/2")))
	must(t, os.Rename(filepath.Join(now, "d3/3"), filepath.Join(now, "d4/3")))
	want := []string{"/d1/1 modified content 1 4", "/d2/2 deleted  1 4", "/d3/3 deleted  1 4", "/d4/3 added  1 4"}
	for label, kept := range map[string][]byte{
		"good": good, "none": nil, "torn": good[:len(good)/2+3], "torn in a count": good[:len(good)-8*9], "no words": good[:20], "longer": append(slices.Clone(good), 1),
		"zeroes": append(slices.Clone(good[:40]), make([]byte, 1000)...), "ones": append(slices.Clone(good[:40]), bytes.Repeat([]byte{255}, 1000)...),
		"other bytes": bytes.Replace(slices.Clone(good), good[len(good)-8:], []byte("12345678"), 1),
	} {
		if got, _ := walk("1", kept); !slices.Equal(got, want) {
			t.Errorf("%s: told %q, want %q", label, got, want)
		}
	}
	got, data := walk("2", good)
	if !slices.Equal(got, want) || len(data) < len(good)/2 {
		t.Errorf("told %q, %d bytes to keep: another base was taken for this one", got, len(data))
	}
}

// What of a file was changed without a trace in size and time is told, also where the base is known: the time that no program can set says so.
func TestWalkSeesAttributes(t *testing.T) {
	base, now := grown(t)
	k := NewKnown("1", nil)
	find := func() []string {
		t.Helper()
		all, err := Walk(open(t, base), open(t, now), Look{Known: k})
		must(t, err)
		return lines(all)
	}
	if got := find(); got != nil {
		t.Fatalf("told %q", got)
	}
	p := filepath.Join(now, "d1/1")
	must(t, syscall.Setxattr(p, "user.a", []byte("1"), 0))
	must(t, syscall.Setxattr(p, "system.posix_acl_access", list(7), 0))
	must(t, os.Chown(filepath.Join(now, "d2"), 1, 1))
	data, _ := k.Data()
	k = NewKnown("1", func() []byte { return data })
	if got, want := find(), []string{"/d1/1 modified acl, xattr 1 4", "/d2 modified owner 0 0"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// All that is looked at is counted: what both have, and what is new.
func TestWalkCounts(t *testing.T) {
	base, now := grown(t)
	must(t, os.MkdirAll(filepath.Join(now, "new/er"), 0o755))
	must(t, os.WriteFile(filepath.Join(now, "new/er/x"), nil, 0o644))
	var seen atomic.Int64
	all, err := Walk(open(t, base), open(t, now), Look{Seen: &seen})
	must(t, err)
	if want := int64(300 + 30 + 3); seen.Load() != want || len(all) != 1 || all[0].What != review.Added {
		t.Errorf("counted %d, want %d; told %v", seen.Load(), want, all)
	}
}

// However wide and deep the trees are, few files are open at once.
func TestWalkOpensFew(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "now")
	for range 150 {
		deep = filepath.Join(deep, "d")
	}
	for _, d := range []string{deep, filepath.Join(dir, "base") + deep[len(dir)+4:]} {
		must(t, os.MkdirAll(d, 0o755))
	}
	for i := range 2000 {
		must(t, os.Mkdir(filepath.Join(dir, "now", fmt.Sprint(i)), 0o755))
		must(t, os.Mkdir(filepath.Join(dir, "base", fmt.Sprint(i)), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(deep, "new"), nil, 0o644))
	var old syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
	base, now := open(t, filepath.Join(dir, "base")), open(t, filepath.Join(dir, "now"))
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 100, Max: old.Max}))
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) }()
	all, err := Walk(base, now, Look{})
	must(t, err)
	if len(all) != 1 {
		t.Errorf("told %v", lines(all))
	}
}
