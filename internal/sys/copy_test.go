package sys_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

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
	must(t, unix.Setxattr(src+"/d/marked", "system.posix_acl_access", nstest.ACL, 0))

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
	if err != nil || !bytes.Equal(buf[:n], nstest.ACL) {
		t.Errorf("ACL: %v, %v", buf[:max(n, 0)], err)
	}
	diff, err := sys.Compare(from, "d", to, "kept", 10)
	if err != nil || len(diff) > 0 {
		t.Errorf("differs: %v, %v", diff, err)
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
