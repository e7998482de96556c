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

// A directory that is made like another has all that it has, apart from what lies in it.
func TestMkdirLike(t *testing.T) {
	nstest.Need(t)
	nstest.NeedIDs(t)
	in, dir := tree(t)
	write(t, dir+"/model/f", "x", 0o644)
	must(t, os.Chown(dir+"/model", 1000, 1001))
	must(t, unix.Chmod(dir+"/model", 0o3751))
	must(t, unix.Setxattr(dir+"/model", "user.colour", []byte("blue"), 0))
	must(t, unix.Setxattr(dir+"/model", "system.posix_acl_default", nstest.ACL, 0))
	must(t, in.MkdirLike("made", in, "model"))
	i, s := lstat(t, dir+"/made")
	if i.Mode() != fs.ModeDir|fs.ModeSetgid|fs.ModeSticky|0o751 || s.Uid != 1000 || s.Gid != 1001 {
		t.Errorf("%v %d:%d", i.Mode(), s.Uid, s.Gid)
	}
	buf := make([]byte, 100)
	for name, want := range map[string][]byte{"user.colour": []byte("blue"), "system.posix_acl_default": nstest.ACL} {
		if n, err := unix.Lgetxattr(dir+"/made", name, buf); err != nil || !bytes.Equal(buf[:n], want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if empty, err := in.Empty("made"); err != nil || !empty {
		t.Errorf("not empty: %v", err)
	}
	if err := in.MkdirLike("made", in, "model"); err == nil {
		t.Error("it was made a second time")
	}
}

// Only what nobody can be at work on any more is removed, and only what is unfinished.
func TestSweep(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	write(t, dir+"/d/.anicca-tmp-1/deep/f", "half", 0o644)
	write(t, dir+"/d/.anicca-tmp-2", "half", 0o644)
	write(t, dir+"/d/whole", "whole", 0o644)
	write(t, dir+"/d/sub/.anicca-tmp-3", "elsewhere", 0o644)
	must(t, in.Sweep("d", time.Now().Add(-time.Hour)))
	if names, err := in.List("d"); err != nil || len(names) != 4 {
		t.Errorf("what is being made was removed: %v, %v", names, err)
	}
	must(t, in.Sweep("d", time.Now().Add(time.Hour)))
	if names, err := in.List("d"); err != nil || len(names) != 2 || read(t, dir+"/d/sub/.anicca-tmp-3") != "elsewhere" {
		t.Errorf("left: %v, %v", names, err)
	}
}

func TestAdjust(t *testing.T) {
	nstest.Need(t)
	nstest.NeedIDs(t)
	in, dir := tree(t)
	write(t, dir+"/f", "x", 0o644)
	want := sys.Perm{UID: 1000, GID: 1001, Mode: 0o4750}
	must(t, in.Adjust("f", func(sys.Perm) sys.Perm { return want }))
	if i, s := lstat(t, dir+"/f"); i.Mode() != fs.ModeSetuid|0o750 || s.Uid != 1000 || s.Gid != 1001 {
		t.Errorf("%v %d:%d", i.Mode(), s.Uid, s.Gid)
	}
	must(t, os.Link(dir+"/f", dir+"/second"))
	must(t, os.Symlink("f", dir+"/link"))
	must(t, in.Adjust("second", func(has sys.Perm) sys.Perm { return has }))
	for _, p := range []string{"second", "link"} {
		if err := in.Adjust(p, func(sys.Perm) sys.Perm { return sys.Perm{Mode: 0o666} }); err == nil {
			t.Errorf("%s was changed", p)
		}
	}
}

// Whatever the directory above gives to what is made in it, a new one has the owner, mode and times of its model, or those asked
// for, and no access list.
func TestMkdirGetsNothingFromAbove(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	then := time.Unix(1_600_000_000, 0)
	for _, up := range givers(t, dir) {
		p := dir + "/" + up
		for _, mode := range []uint32{0o755, 0o700, 0o775, 0o1777, 0o2750} {
			must(t, os.MkdirAll(dir+"/model", 0o755))
			must(t, unix.Chmod(dir+"/model", mode))
			must(t, os.Chtimes(dir+"/model", then, then))
			must(t, in.MkdirLike(up+"/like", in, "model"))
			must(t, in.Mkdir(up+"/asked", sys.Mine(mode)))
			for _, name := range []string{"like", "asked"} {
				s, err := in.Stat(up + "/" + name)
				must(t, err)
				if s.Perm() != mode || int(s.Gid) != os.Getegid() {
					t.Errorf("%s in %s: mode %o and group %d, want %o", name, up, s.Perm(), s.Gid, mode)
				}
				if at := time.Unix(s.Mtim.Unix()); (name == "like") != at.Equal(then) {
					t.Errorf("%s in %s: of %v", name, up, at)
				}
			}
			if names, err := in.Xattrs(up + "/like"); err != nil || len(names) != 0 {
				t.Errorf("like in %s has %v: %v", up, names, err)
			}
			if err := in.Mkdir(up+"/asked", sys.Mine(mode)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("asked in %s is made a second time: %v", up, err)
			}
			must(t, os.Remove(p+"/like"))
			must(t, os.Remove(p+"/asked"))
		}
	}
}
