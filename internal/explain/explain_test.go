package explain_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/explain"
	"anicca/internal/facts"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

const table = `22 1 0:20 /@rootfs / rw - btrfs /dev/sda1 rw
23 22 0:20 /@persist /persist rw - btrfs /dev/sda1 rw
24 22 0:40 / /run rw - tmpfs tmpfs rw
25 22 8:2 / /mnt/usb rw - ext4 /dev/sdb1 rw
26 22 0:20 /@persist/srv/pending /srv/pending rw - btrfs /dev/sda1 rw
27 22 0:20 /@home /home rw - btrfs /dev/sda1 rw
`

// machine has a root and a base as plain directories; what is applied is what the test says.
func machine(t *testing.T, reset decl.Reset) explain.Machine {
	t.Helper()
	dir := t.TempDir()
	for p, text := range map[string]string{
		"root/etc/same": "1", "base/etc/same": "1", "root/etc/changed": "1", "base/etc/changed": "2", "root/etc/new": "1", "base/etc/removed": "1",
		"root/usr/bin/x": "1", "base/usr/bin/x": "1", "root/srv/kept/x": "1", "root/persist/srv/kept/x": "1", "root/mnt/usb/x": "1",
		"root/home/bird/x": "1", "root/srv/unapplied/x": "1", "root/srv/pending/x": "1",
	} {
		p = filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open := func(name string) *sys.Tree {
		tree, err := sys.OpenTree(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tree.Close() })
		return tree
	}
	mounts, err := facts.ReadMounts(strings.NewReader(table), "/")
	if err != nil {
		t.Fatal(err)
	}
	entry := func(p string, kind decl.Kind) decl.Entry {
		return decl.Entry{Path: p, Kind: kind, Store: "/persist", Method: decl.Bind, Pos: decl.Pos{File: "a.cue", Line: 1, Col: 1}}
	}
	return explain.Machine{
		Root: open("root"), Base: open("base"), Facts: &facts.Facts{Mounts: mounts},
		Host: &decl.Host{
			Root:   decl.Root{Volumes: []decl.Volume{{Path: "/home"}}},
			Stores: []decl.Store{{Path: "/persist", Entries: []decl.Entry{entry("/srv/kept", decl.Directory), entry("/srv/unapplied", decl.Directory), entry("/etc/later", decl.File)}}},
		},
		Boot: &plan.Boot{Reset: reset, Archive: decl.Archive{Count: 3, Days: 7}, Entries: []plan.Step{
			{Kind: plan.Bind, Path: "/srv/kept", Store: "/persist", Source: "/persist/srv/kept", Dir: true},
			{Kind: plan.Bind, Path: "/srv/dropped", Store: "/persist", Source: "/persist/srv/dropped", Dir: true},
			{Kind: plan.Bind, Path: "/etc/later", Store: "/persist", Source: "/persist/etc/later"},
		}},
	}
}

func TestNext(t *testing.T) {
	for _, c := range []struct {
		path string
		what explain.Fate
		why  string
	}{
		{"/etc/same", explain.Base, "comes back so"},
		{"/etc/changed", explain.Returns, "was changed"},
		{"/etc/new", explain.Archived, "at least the last 3 roots and those of 7 days"},
		{"/etc/removed", explain.Returns, "comes back: the base has it"},
		{"/etc/nothing", explain.Missing, "nothing either"},
		{"/etc/same/below", explain.Missing, "nothing either"},
		{"/usr/bin", explain.Returns, "the base has this directory"},
		{"/srv/kept", explain.Kept, "from /persist/srv/kept"},
		{"/srv/kept/x", explain.Kept, "from /persist/srv/kept"},
		{"/srv/dropped", explain.Kept, "'anicca apply' takes it out"},
		{"/srv/unapplied", explain.Archived, "its entry is not applied: run 'anicca apply'"},
		{"/etc/later", explain.Kept, "the store does not have it yet"},
		{"/persist/srv/kept", explain.Stays, "in the store /persist"},
		{"/run/x", explain.Gone, "/run is a tmpfs"},
		{"/mnt/usb/x", explain.Stays, "/dev/sdb1 (ext4)"},
		{"/srv/pending/x", explain.Gone, "in this session only"},
		{"/home/bird/x", explain.Returns, "or is gone if the base has none"},
		{"/", explain.Returns, "the base has this directory"},
	} {
		m := machine(t, decl.ResetOn)
		a, err := explain.Make(m, c.path)
		if err != nil || a.Next.What != c.what || !strings.Contains(a.Next.Why, c.why) {
			t.Errorf("%s: %+v, %v", c.path, a, err)
		}
	}
}

// What is said of the next boot follows what a boot reads, not what the declaration would like.
func TestNextWithoutReset(t *testing.T) {
	m := machine(t, decl.ResetObserve)
	for _, c := range []struct{ once, why string }{
		{"", `root.reset is "observe", so the root is kept; once it is "on", it goes into the archive`},
		{"keep", "'anicca next keep' was said"},
	} {
		m.Once = c.once
		if a, err := explain.Make(m, "/etc/new"); err != nil || a.Next.What != explain.Stays || !strings.Contains(a.Next.Why, c.why) {
			t.Errorf("%q: %+v, %v", c.once, a, err)
		}
	}
	m.Once = "reset"
	if a, err := explain.Make(m, "/etc/new"); err != nil || a.Next.What != explain.Archived {
		t.Errorf("%+v, %v", a, err)
	}
	m.Boot, m.Once = nil, ""
	if a, err := explain.Make(m, "/etc/new"); err != nil || a.Next.What != explain.Stays || !strings.Contains(a.Next.Why, "nothing was applied yet") {
		t.Errorf("%+v, %v", a, err)
	}
}

// What the mount of a store forbids is forbidden at the path too.
func TestLimits(t *testing.T) {
	m := machine(t, decl.ResetOn)
	for options, want := range map[string]string{"rw,relatime": "", "ro,nodev,noexec,noatime": "ro noexec nodev"} {
		var err error
		m.Facts.Mounts, err = facts.ReadMounts(strings.NewReader("22 1 0:20 /@persist /persist "+options+" - btrfs /dev/sda1 rw\n"), "/")
		if err != nil {
			t.Fatal(err)
		}
		a, err := explain.Make(m, "/srv/kept/x")
		if err != nil || strings.Join(a.Limits, " ") != want {
			t.Errorf("%s: %q, %v", options, a.Limits, err)
		}
	}
}
