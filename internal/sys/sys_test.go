package sys_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	if os.Getenv(holdEnv) != "" {
		holdAccounts()
		return
	}
	nstest.Enter()
	os.Exit(m.Run())
}

// tree is a new directory, as a tree and as a path.
func tree(t *testing.T) (*sys.Tree, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := sys.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, p, text string, mode os.FileMode) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(t, os.WriteFile(p, []byte(text), 0o600))
	must(t, os.Chmod(p, mode))
}

func read(t *testing.T, p string) string {
	t.Helper()
	b, err := os.ReadFile(p)
	must(t, err)
	return string(b)
}

func lstat(t *testing.T, p string) (fs.FileInfo, *syscall.Stat_t) {
	t.Helper()
	i, err := os.Lstat(p)
	must(t, err)
	return i, i.Sys().(*syscall.Stat_t)
}

// acl is an access list that lets user 1001 read, as acl(5) and the kernel's posix_acl_xattr.h lay it out.
var acl = []byte{
	2, 0, 0, 0,
	1, 0, 6, 0, 255, 255, 255, 255,
	2, 0, 4, 0, 0xe9, 3, 0, 0,
	4, 0, 4, 0, 255, 255, 255, 255,
	16, 0, 4, 0, 255, 255, 255, 255,
	32, 0, 0, 0, 255, 255, 255, 255,
}

func TestCopyKeepsEverything(t *testing.T) {
	nstest.Need(t)
	nstest.NeedIDs(t)
	from, src := tree(t)
	to, dst := tree(t)
	long := time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)
	write(t, src+"/d/plain", "plain\n", 0o640)
	must(t, os.Chown(src+"/d/plain", 1000, 1001))
	must(t, os.Chtimes(src+"/d/plain", long, long))
	write(t, src+"/d/setuid", "x", 0o755)
	must(t, unix.Chmod(src+"/d/setuid", 0o4755))
	must(t, os.Link(src+"/d/plain", src+"/d/twin"))
	must(t, os.Symlink("/nowhere", src+"/d/link"))
	must(t, os.Lchown(src+"/d/link", 1000, 1000))
	must(t, unix.Mkfifo(src+"/d/fifo", 0o620))
	must(t, os.Chmod(src+"/d/fifo", 0o620))
	must(t, os.Mkdir(src+"/d/shared", 0o755))
	must(t, unix.Chmod(src+"/d/shared", 0o3777))
	must(t, os.Chown(src+"/d/shared", 1000, 1000))
	must(t, unix.Chmod(src+"/d/shared", 0o3777))
	write(t, src+"/d/holes", "", 0o644)
	must(t, os.Truncate(src+"/d/holes", 64<<20))
	f, err := os.OpenFile(src+"/d/holes", os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("middle"), 32<<20)
	must(t, errors.Join(err, f.Close()))
	write(t, src+"/d/marked", "x", 0o640)
	must(t, unix.Setxattr(src+"/d/marked", "user.colour", []byte("blue"), 0))
	must(t, unix.Setxattr(src+"/d/marked", "system.posix_acl_access", acl, 0))

	must(t, sys.Copy(from, "d", to, "kept"))

	i, st := lstat(t, dst+"/kept/plain")
	if read(t, dst+"/kept/plain") != "plain\n" || st.Uid != 1000 || st.Gid != 1001 || i.Mode() != 0o640 || !i.ModTime().Equal(long) {
		t.Errorf("plain: %v %d:%d %v", i.Mode(), st.Uid, st.Gid, i.ModTime())
	}
	if _, twin := lstat(t, dst+"/kept/twin"); twin.Ino != st.Ino {
		t.Error("two names of one file became two files")
	}
	if i, _ := lstat(t, dst+"/kept/setuid"); i.Mode()&fs.ModeSetuid == 0 {
		t.Errorf("setuid: %v", i.Mode())
	}
	if target, err := os.Readlink(dst + "/kept/link"); err != nil || target != "/nowhere" {
		t.Errorf("link: %s, %v", target, err)
	}
	if _, st := lstat(t, dst+"/kept/link"); st.Uid != 1000 {
		t.Errorf("link belongs to %d", st.Uid)
	}
	if i, _ := lstat(t, dst+"/kept/fifo"); i.Mode()&fs.ModeNamedPipe == 0 || i.Mode().Perm() != 0o620 {
		t.Errorf("fifo: %v", i.Mode())
	}
	if i, st := lstat(t, dst+"/kept/shared"); i.Mode() != fs.ModeDir|fs.ModeSetgid|fs.ModeSticky|0o777 || st.Uid != 1000 {
		t.Errorf("shared: %v %d", i.Mode(), st.Uid)
	}
	if i, st := lstat(t, dst+"/kept/holes"); i.Size() != 64<<20 || st.Blocks*512 > 1<<20 {
		t.Errorf("holes: %d bytes take %d blocks", i.Size(), st.Blocks)
	}
	buf := make([]byte, 100)
	n, err := unix.Lgetxattr(dst+"/kept/marked", "user.colour", buf)
	if err != nil || string(buf[:n]) != "blue" {
		t.Errorf("xattr: %q, %v", buf[:max(n, 0)], err)
	}
	n, err = unix.Lgetxattr(dst+"/kept/marked", "system.posix_acl_access", buf)
	if err != nil || !bytes.Equal(buf[:n], acl) {
		t.Errorf("ACL: %v, %v", buf[:max(n, 0)], err)
	}
	diff, err := sys.Compare(from, "d", to, "kept", 10)
	if err != nil || len(diff) > 0 {
		t.Errorf("differs: %v, %v", diff, err)
	}
}

// Whatever is changed in a copy is noticed.
func TestCompareNoticesEverything(t *testing.T) {
	nstest.Need(t)
	changes := map[string]func(p string) error{
		"content":    func(p string) error { return os.WriteFile(p+"/f", []byte("yyy"), 0o644) },
		"size":       func(p string) error { return os.WriteFile(p+"/f", []byte("y"), 0o644) },
		"mode":       func(p string) error { return os.Chmod(p+"/f", 0o600) },
		"missing":    func(p string) error { return os.Remove(p + "/f") },
		"only in":    func(p string) error { return os.WriteFile(p+"/g", nil, 0o644) },
		"type":       func(p string) error { return errors.Join(os.Remove(p+"/f"), os.Mkdir(p+"/f", 0o755)) },
		"link":       func(p string) error { return errors.Join(os.Remove(p+"/l"), os.Symlink("b", p+"/l")) },
		"attributes": func(p string) error { return unix.Setxattr(p+"/f", "user.x", []byte("y"), 0) },
	}
	for what, change := range changes {
		t.Run(what, func(t *testing.T) {
			from, src := tree(t)
			to, dst := tree(t)
			write(t, src+"/d/f", "xxx", 0o644)
			must(t, os.Symlink("a", src+"/d/l"))
			must(t, sys.Copy(from, "d", to, "d"))
			must(t, change(dst+"/d"))
			diff, err := sys.Compare(from, "d", to, "d", 10)
			must(t, err)
			for _, d := range diff {
				if strings.Contains(d.What, what) {
					return
				}
			}
			t.Errorf("not noticed: %v", diff)
		})
	}
}

// Differences in times alone are many where somebody copied without them. They hide nothing worse, even if only one is asked for.
func TestCompareTellsTheWorstFirst(t *testing.T) {
	nstest.Need(t)
	from, src := tree(t)
	to, dst := tree(t)
	for i := range 20 {
		for _, at := range []string{src, dst} {
			write(t, fmt.Sprintf("%s/d/%02d", at, i), "xxx", 0o644)
		}
		must(t, os.Chtimes(fmt.Sprintf("%s/d/%02d", dst, i), time.Unix(1, 0), time.Unix(1, 0)))
	}
	write(t, dst+"/d/19", "yyy", 0o644)
	for _, most := range []int{1, 3} {
		diff, err := sys.Compare(from, "d", to, "d", most)
		must(t, err)
		if len(diff) != most || diff[0].Path != "19" || diff[0].What != "content" {
			t.Errorf("of %d: %v", most, diff)
		}
	}
}

// A sparse file of a size that nobody can read is compared by what is in it.
func TestCompareSkipsHoles(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	const size = 4 << 40
	for p, at := range map[string]int64{"a": size / 2, "b": size / 4} {
		must(t, os.WriteFile(dir+"/"+p, nil, 0o644))
		must(t, os.Truncate(dir+"/"+p, size))
		f, err := os.OpenFile(dir+"/"+p, os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt([]byte("x"), at)
		must(t, errors.Join(err, f.Close()))
	}
	must(t, sys.Copy(in, "a", in, "copy"))
	for p, want := range map[string]bool{"copy": true, "b": false} {
		diff, err := sys.Compare(in, "a", in, p, 10)
		must(t, err)
		same := !slices.ContainsFunc(diff, func(d sys.Difference) bool { return d.What == "content" })
		if same != want {
			t.Errorf("%s: %v", p, diff)
		}
	}
}

func TestCopyOverwritesNothing(t *testing.T) {
	nstest.Need(t)
	from, src := tree(t)
	to, dst := tree(t)
	write(t, src+"/d/f", "new", 0o644)
	write(t, src+"/f", "new", 0o644)
	write(t, dst+"/d/f", "old", 0o644)
	write(t, dst+"/f", "old", 0o644)
	for _, p := range []string{"d", "f"} {
		if err := sys.Copy(from, p, to, p); err == nil {
			t.Errorf("%s was overwritten", p)
		}
	}
	if read(t, dst+"/d/f") != "old" || read(t, dst+"/f") != "old" {
		t.Error("data was overwritten")
	}
	names, err := to.List(".")
	must(t, err)
	if len(names) != 2 {
		t.Errorf("an unfinished copy was left: %v", names)
	}
}

func TestCopyStaysInItsMount(t *testing.T) {
	nstest.Need(t)
	from, src := tree(t)
	to, dst := tree(t)
	write(t, src+"/d/f", "x", 0o644)
	must(t, os.Mkdir(src+"/d/other", 0o755))
	must(t, from.Mount("other", "d/other", "tmpfs", nil, ""))
	defer func() { must(t, from.Unmount("d/other", true)) }()
	write(t, src+"/d/other/big", "x", 0o644)
	must(t, sys.Copy(from, "d", to, "d"))
	if _, err := os.Lstat(dst + "/d/other/big"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the copy went into another mount")
	}
}

// Nobody can lead an operation out of its tree by a link, wherever in a path it lies.
func TestNoLinkIsFollowed(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	outside := t.TempDir()
	write(t, outside+"/secret", "secret", 0o600)
	must(t, os.Symlink(outside, dir+"/link"))
	must(t, os.Symlink("../../../../../../etc", dir+"/up"))
	write(t, dir+"/mine", "mine", 0o644)
	for what, do := range map[string]func() error{
		"write":    func() error { return in.WriteFile("link/new", []byte("x"), sys.Perm{Mode: 0o644}) },
		"mkdir":    func() error { return in.Mkdir("link/new", sys.Perm{Mode: 0o755}) },
		"mkdirall": func() error { return in.MkdirAll("link/a/b", func(string) sys.Perm { return sys.Perm{Mode: 0o755} }) },
		"symlink":  func() error { return in.Symlink("x", "link/new") },
		"read":     func() error { _, err := in.ReadFile("link/secret"); return err },
		"passwd":   func() error { _, err := in.ReadFile("up/passwd"); return err },
		"copy out": func() error { return sys.Copy(in, "mine", in, "link/new") },
		"copy in":  func() error { return sys.Copy(in, "link/secret", in, "stolen") },
		"rename":   func() error { return in.Rename("mine", "link/new") },
		"remove":   func() error { return in.Remove("link/secret") },
		"bind":     func() error { return sys.Bind(in, "mine", in, "link/secret", nil) },
		"mount":    func() error { return in.Mount("x", "link", "tmpfs", nil, "") },
	} {
		if err := do(); err == nil {
			t.Errorf("%s went through a link", what)
		}
	}
	must(t, in.WriteFile("../../new", []byte("x"), sys.Perm{Mode: 0o644})) // the tree is its own root
	if read(t, dir+"/new") != "x" {
		t.Error(".. led out of the tree")
	}
	entries, err := os.ReadDir(outside)
	must(t, err)
	if len(entries) != 1 || read(t, outside+"/secret") != "secret" {
		t.Errorf("outside of the tree: %v", entries)
	}
}

func TestBind(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	write(t, dir+"/store/d/f", "kept", 0o644)
	write(t, dir+"/store/f", "kept", 0o644)
	must(t, os.Mkdir(dir+"/d", 0o755))
	write(t, dir+"/f", "", 0o644)
	must(t, sys.Bind(in, "store/d", in, "d", []string{"nosuid", "noexec", "x-gvfs-hide"}))
	defer func() { must(t, in.Unmount("d", true)) }()
	must(t, sys.Bind(in, "store/f", in, "f", []string{"ro"}))
	defer func() { must(t, in.Unmount("f", true)) }()
	if read(t, dir+"/d/f") != "kept" || read(t, dir+"/f") != "kept" {
		t.Error("the kept copy is not seen")
	}
	if err := os.WriteFile(dir+"/f", []byte("x"), 0o644); !errors.Is(err, unix.EROFS) {
		t.Errorf("a read-only bind takes a write: %v", err)
	}
	var vfs unix.Statfs_t
	must(t, unix.Statfs(dir+"/d", &vfs))
	if vfs.Flags&unix.ST_NOSUID == 0 || vfs.Flags&unix.ST_NOEXEC == 0 {
		t.Errorf("flags %x", vfs.Flags)
	}
	for p, want := range map[string]bool{"d": true, "f": true, "store/d": true, "store": false} {
		got, err := sys.MountedFrom(in, "store/"+strings.TrimPrefix(p, "store/"), in, p)
		if (got && err == nil) != want && p != "store/d" {
			t.Errorf("MountedFrom %s: %v, %v", p, got, err)
		}
	}
	if err := sys.Bind(in, "store/f", in, "store/d", nil); err == nil {
		t.Error("a file was mounted over a directory")
	}
	if err := sys.Bind(in, "store/d", in, "store", []string{"nosiud"}); err == nil {
		t.Error("an unknown option was accepted")
	}
}

// What a program mounts in a kept directory is seen there, and by containers, and not in the store, which it would keep from being
// unmounted: also where all mounts are shared, as systemd has it.
func TestBindIsApartFromTheStore(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	for _, p := range []string{"store", "d", "container"} {
		must(t, os.Mkdir(filepath.Join(dir, p), 0o755))
	}
	mount := func(p string) {
		t.Helper()
		must(t, in.Mount("test", p, "tmpfs", nil, ""))
		t.Cleanup(func() { _ = in.Unmount(p, true) })
	}
	mount("store")
	must(t, os.MkdirAll(dir+"/store/d/x", 0o755))
	must(t, os.MkdirAll(dir+"/store/d/y", 0o755))
	must(t, sys.Bind(in, "store/d", in, "d", nil))
	t.Cleanup(func() { must(t, in.Unmount("d", true)) })
	must(t, unix.Mount(dir+"/d", dir+"/container", "", unix.MS_BIND|unix.MS_REC, ""))
	t.Cleanup(func() { must(t, in.Unmount("container", true)) })

	mount("d/x")
	write(t, dir+"/d/x/f", "of a program", 0o644)
	mount("store/d/y")
	write(t, dir+"/store/d/y/f", "in the store", 0o644)
	for p, want := range map[string]bool{"container/x/f": true, "store/d/x/f": false, "d/y/f": false} {
		if there, err := in.Exists(p); there != want || err != nil {
			t.Errorf("%s is there: %v, %v", p, there, err)
		}
	}
	must(t, in.Unmount("store/d/y", false))
	if err := in.Unmount("store", false); err != nil {
		t.Errorf("the store cannot be unmounted: %v", err)
	}
	if read(t, dir+"/d/x/f") != "of a program" {
		t.Error("what was mounted went with the store")
	}
}

func last(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return lines[len(lines)-1]
}

// Options for user space are put where libmount and file managers look for them, once.
func TestNoteUserOptions(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	for _, d := range []string{"/store/a b", "/a b", "/plain"} {
		must(t, os.MkdirAll(dir+d, 0o755))
	}
	must(t, sys.Bind(in, "store/a b", in, "a b", nil))
	defer func() { must(t, in.Unmount("a b", true)) }()
	must(t, os.MkdirAll(dir+"/run/mount", 0o755))
	write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n", 0o644)
	for range 2 {
		must(t, sys.NoteUserOptions(in, map[string][]string{dir + "/a b": {"nosuid", "x-gvfs-hide", "x-gvfs-trash"}, dir + "/plain": {"ro"}}, nil, nil))
	}
	id := strings.TrimSuffix(last(read(t, dir+"/run/mount/utab")), "OPTS=x-gvfs-hide,x-gvfs-trash")
	for _, c := range []struct {
		was, want string
		options   []string
	}{
		{"OPTS=x-gvfs-hide", "OPTS=x-gvfs-trash", []string{"x-gvfs-trash"}},
		{"OPTS=x-gvfs-hide,x-systemd.automount ATTRS=a", "OPTS=x-gvfs-trash,x-systemd.automount ATTRS=a", []string{"x-gvfs-trash", "ro"}},
		{"OPTS=x-gvfs-hide,x-systemd.automount", "OPTS=x-systemd.automount", nil},
		{"OPTS=x-gvfs-hide", "", nil},
	} {
		write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n"+id+c.was+"\n", 0o644)
		must(t, sys.NoteUserOptions(in, map[string][]string{dir + "/a b": c.options}, nil, nil))
		want := "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n"
		if c.want != "" {
			want += id + c.want + "\n"
		}
		if got := read(t, dir+"/run/mount/utab"); got != want {
			t.Errorf("%s with %v: %q, want %q", c.was, c.options, got, want)
		}
	}
	write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n"+id+"OPTS=x-gvfs-hide,x-a\n", 0o644)
	must(t, sys.NoteUserOptions(in, nil, map[string][]string{dir + "/a b": {"x-gvfs-trash"}}, nil))
	if got := last(read(t, dir+"/run/mount/utab")); got != id+"OPTS=x-gvfs-trash,x-gvfs-hide,x-a" {
		t.Errorf("in addition: %s", got)
	}
	write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n", 0o644)
	must(t, sys.NoteUserOptions(in, map[string][]string{dir + "/a b": {"nosuid", "x-gvfs-hide", "x-gvfs-trash"}}, nil, nil))
	text := read(t, dir+"/run/mount/utab")
	if n := strings.Count(text, "\n"); n != 2 || !strings.Contains(text, `/a\040b ROOT=`) || !strings.Contains(text, "OPTS=x-gvfs-hide,x-gvfs-trash\n") ||
		!strings.HasPrefix(text, "SRC=/dev/x ") {
		t.Errorf("utab:\n%s", text)
	}
	// Where it is known what was mounted, only the line of its source is looked for, and the same comes of it.
	kept, err := in.Stat("store/a b")
	must(t, err)
	write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n", 0o644)
	must(t, sys.NoteUserOptions(in, map[string][]string{dir + "/a b": {"x-gvfs-hide", "x-gvfs-trash"}}, nil,
		map[string]sys.Made{dir + "/a b": {Source: dir + "/store/a b", Mount: kept.MountID}}))
	if got := read(t, dir+"/run/mount/utab"); got != text {
		t.Errorf("utab:\n%s\nwant:\n%s", got, text)
	}
}

// What programs write into a directory between its copy and its being covered is carried over.
func TestFreshen(t *testing.T) {
	nstest.Need(t)
	from, src := tree(t)
	to, dst := tree(t)
	write(t, src+"/d/log", "one\n", 0o644)
	write(t, src+"/d/old", "old\n", 0o644)
	must(t, sys.Copy(from, "d", to, "d"))
	write(t, src+"/d/log", "one\ntwo\n", 0o644)
	write(t, src+"/d/sub/new", "new\n", 0o600)
	write(t, dst+"/d/old", "newer in the copy\n", 0o644)
	late := time.Now().Add(time.Hour)
	must(t, os.Chtimes(dst+"/d/old", late, late))
	a, err := from.Sub("d")
	must(t, err)
	defer a.Close()
	b, err := to.Sub("d")
	must(t, err)
	defer b.Close()
	must(t, sys.Freshen(a, b))
	if read(t, dst+"/d/log") != "one\ntwo\n" || read(t, dst+"/d/sub/new") != "new\n" {
		t.Error("what was written later is missing")
	}
	if read(t, dst+"/d/old") != "newer in the copy\n" {
		t.Error("what is newer in the copy was overwritten")
	}
}

func TestCreateFileReplacesNothing(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	write(t, dir+"/f", "precious", 0o600)
	if err := in.CreateFile("f", sys.Perm{Mode: 0o644}); !errors.Is(err, fs.ErrExist) || read(t, dir+"/f") != "precious" {
		t.Errorf("%v, %q", err, read(t, dir+"/f"))
	}
	must(t, in.CreateFile("g", sys.Perm{Mode: 0o604}))
	if i, _ := lstat(t, dir+"/g"); i.Mode() != 0o604 || i.Size() != 0 {
		t.Errorf("%v, %d bytes", i.Mode(), i.Size())
	}
}

func TestWriteFileReplacesWhole(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	write(t, dir+"/f", "old", 0o600)
	open, err := os.Open(dir + "/f")
	must(t, err)
	defer open.Close()
	must(t, in.WriteFile("f", []byte("new"), sys.Perm{Mode: 0o640}))
	if i, _ := lstat(t, dir+"/f"); read(t, dir+"/f") != "new" || i.Mode() != 0o640 {
		t.Errorf("%q %v", read(t, dir+"/f"), i.Mode())
	}
	old := make([]byte, 10)
	if n, _ := open.Read(old); string(old[:n]) != "old" {
		t.Error("a reader of the old file saw half of the new one")
	}
}
