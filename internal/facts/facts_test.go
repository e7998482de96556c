package facts

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"anicca/internal/decl"
)

const table = `22 1 0:20 /@rootfs / rw,relatime shared:1 - btrfs /dev/sda1 rw,subvolid=256,subvol=/@rootfs
30 22 0:20 /@persist /persist rw,noatime shared:5 - btrfs /dev/sda1 rw,subvolid=257,subvol=/@persist
31 22 0:20 /@persist/var/log /var/log rw,noatime shared:5 - btrfs /dev/sda1 rw,subvol=/@persist
32 31 0:44 / /var/log/a\040b rw - tmpfs none rw
33 22 0:45 / /srv rw - tmpfs none rw
34 33 0:46 / /srv rw - tmpfs none rw
`

func TestMounts(t *testing.T) {
	ms, err := ReadMounts(strings.NewReader(table), "")
	if err != nil {
		t.Fatal(err)
	}
	if !ms.Shows("/persist/var/log", "/var/log") {
		t.Error("/var/log does not show the kept copy")
	}
	if ms.Shows("/persist/var/lib", "/var/log") || ms.Shows("/persist/var/lib", "/var/lib") {
		t.Error("a path shows what was not mounted there")
	}
	if b := ms.Below("/var/log"); len(b) != 1 || b[0].Target != "/var/log/a b" {
		t.Errorf("below /var/log: %v", b)
	}
	if m, _ := ms.At("/srv"); m.Minor != 46 {
		t.Errorf("at /srv: %v, not the topmost mount", m)
	}
	m, p, _ := ms.Place("/persist/x/y")
	if m.Target != "/persist" || p != "/@persist/x/y" {
		t.Errorf("place: %s in %s", p, m.Target)
	}
}

func TestMountsOfAMachineInADirectory(t *testing.T) {
	ms, err := ReadMounts(strings.NewReader(table), "/var")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range ms {
		got = append(got, m.Target)
	}
	if want := []string{"/log", "/log/a b"}; !slices.Equal(got, want) {
		t.Errorf("targets %v, want %v", got, want)
	}
}

func TestAccounts(t *testing.T) {
	a, err := ReadAccounts(fstest.MapFS{
		"etc/passwd": {Data: []byte("# comment\nroot:x:0:0::/root:/bin/sh\nbird:x:1000:1001::/home/bird/:/bin/sh\n")},
		"etc/group":  {Data: []byte("root:x:0:\nflock:x:1001:\nsudo:x:27:bird\nwheel:x:10:\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := a.User("bird"); !ok || u.UID != 1000 || u.Home != "/home/bird" {
		t.Errorf("bird is %+v", u)
	}
	bird, _ := a.User("bird")
	if !a.In(bird, "wheel", "sudo") || !a.In(bird, "flock") || a.In(bird, "wheel", "root", "no such group") {
		t.Error("bird is not in its groups, or in others")
	}
	if _, ok := a.User("nobody"); ok {
		t.Error("an unknown user was found")
	}
}

func TestObjects(t *testing.T) {
	fsys := fstest.MapFS{
		"proc/self/mountinfo":  {Data: []byte(table)},
		"etc/a":                {Data: []byte("one")},
		"persist/etc/a":        {Data: []byte("one")},
		"opt/d/x":              {Data: []byte("one")},
		"persist/opt/d/x":      {Data: []byte("two")},
		"run/x":                {Data: []byte("x")},
		"var/run":              {Data: []byte("/run"), Mode: 0o777 | 1<<27},
		"persist/var/log/boot": {Data: []byte("x")},
	}
	var entries []decl.Entry
	for p, k := range map[string]decl.Kind{"/etc/a": decl.File, "/opt/d": decl.Directory, "/var/run/x": decl.File, "/no": decl.File} {
		entries = append(entries, decl.Entry{Path: p, Kind: k, Store: "/persist"})
	}
	f, err := Read(Source{FS: fsys}, &decl.Host{Stores: []decl.Store{{Path: "/persist", Entries: entries}}})
	if err != nil {
		t.Fatal(err)
	}
	if !f.Objects["/etc/a"].Same {
		t.Error("/etc/a: the same content was not seen")
	}
	if o := f.Objects["/opt/d"]; o.Same || !o.IsDir() {
		t.Errorf("/opt/d: %+v", o)
	}
	if o := f.Objects["/var/run/x"]; o.Via != "/var/run" || o.Exists {
		t.Errorf("/var/run/x: %+v: what lies behind a link was read", o)
	}
	if f.Objects["/no"].Exists {
		t.Error("/no exists")
	}
}

func FuzzMounts(f *testing.F) {
	f.Add(table)
	f.Fuzz(func(t *testing.T, s string) {
		ms, err := ReadMounts(strings.NewReader(s), "")
		if err != nil {
			return
		}
		ms.Place("/a/b")
		ms.Below("/")
	})
}

// broken is a machine in which one directory cannot be read.
type broken struct {
	fstest.MapFS
	at string
}

func (b broken) Open(name string) (fs.File, error) {
	if name == b.at {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return b.MapFS.Open(name)
}

// counting counts what is opened.
type counting struct {
	fstest.MapFS
	opened map[string]int
}

func (c counting) Open(name string) (fs.File, error) {
	c.opened[name]++
	return c.MapFS.Open(name)
}

// Of what is in place, nothing is opened, neither files nor directories: looking again costs two looks an entry.
func TestWhatIsInPlaceIsNotOpened(t *testing.T) {
	m := fstest.MapFS{"var/log/f": {}, "persist/var/log/f": {}, "etc/f": {}, "persist/etc/f": {}, "srv/f": {}, "persist/srv/f": {}}
	host := &decl.Host{Stores: []decl.Store{{Path: "/persist", Entries: []decl.Entry{
		{Path: "/var/log", Kind: decl.Directory, Store: "/persist"},
		{Path: "/etc/f", Kind: decl.File, Store: "/persist"},
		{Path: "/srv", Kind: decl.Directory, Store: "/persist"},
	}}}}
	mounts := Mounts{
		{Minor: 1, Root: "/", Target: "/"},
		{Minor: 2, Root: "/store", Target: "/persist"},
		{Minor: 2, Root: "/store/var/log", Target: "/var/log"},
		{Minor: 2, Root: "/store/etc/f", Target: "/etc/f"},
	}
	c := counting{m, map[string]int{}}
	f, err := Read(Source{FS: m, Objects: c, Mounts: mounts}, host)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"var/log", "persist/var/log", "etc/f", "persist/etc/f"} {
		if n := c.opened[p]; n > 0 || !f.Objects["/"+p].Exists {
			t.Errorf("%s was opened %d times, %+v", p, n, f.Objects["/"+p])
		}
	}
	if c.opened["srv"] == 0 || c.opened["persist/srv"] == 0 {
		t.Error("what is not in place has to be compared")
	}
}

// The index answers as the table does.
func TestIndexOfMounts(t *testing.T) {
	ms, err := ReadMounts(strings.NewReader(table), "")
	if err != nil {
		t.Fatal(err)
	}
	ms = append(ms, Mount{ID: 90, Target: "/home/bird-2"}, Mount{ID: 91, Target: "/home/bird/x"}, Mount{ID: 92, Target: "/home/bird"}, Mount{ID: 93, Target: "/home/bird/a"})
	at := ms.Index()
	for _, p := range []string{"/", "/home", "/home/bird", "/home/bird/x", "/home/bird/none", "/home/bird-2", "/persist", "/var", "/none"} {
		a, ok1 := ms.At(p)
		b, ok2 := at.At(p)
		x, y := ms.Below(p), at.Below(p)
		if ok1 != ok2 || a.ID != b.ID || !slices.EqualFunc(x, y, func(a, b Mount) bool { return a.ID == b.ID }) {
			t.Errorf("%s: at %+v, not %+v; below %+v, not %+v", p, b, a, y, x)
		}
	}
}

// Whatever a user does to a home, the rest of the machine can be looked at.
func TestHomeThatCannotBeRead(t *testing.T) {
	m := fstest.MapFS{
		"proc/self/mountinfo": {Data: []byte(table)}, "home/bird/x/f": {}, "persist/home/bird/x/f": {}, "opt/f": {},
	}
	host := &decl.Host{Stores: []decl.Store{{Path: "/persist", Entries: []decl.Entry{
		{Path: "/home/bird/x", Kind: decl.Directory, Home: "bird", Store: "/persist"}, {Path: "/opt", Kind: decl.Directory, Store: "/persist"},
	}}}}
	f, err := Read(Source{FS: m, Objects: broken{m, "home/bird/x"}}, host)
	if err != nil {
		t.Fatal(err)
	}
	if f.Objects["/home/bird/x"].Err == "" || !f.Objects["/opt"].IsDir() {
		t.Errorf("%+v", f.Objects)
	}
	if _, err := Read(Source{FS: m, Objects: broken{m, "opt"}}, host); err == nil {
		t.Error("what nobody but root can have done is not an error")
	}
}
