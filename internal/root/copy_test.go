package root

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// copied is one kind of thing that a copy must not lose. Make makes it in a directory.
type copied struct {
	name string
	make func(t *testing.T, dir string)
}

var (
	accessList = []byte{
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe9, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
		16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
	}
	// netBind is CAP_NET_BIND_SERVICE, effective and permitted, as linux/capability.h lays it out in its second version.
	netBind = []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	long    = time.Date(2001, 2, 3, 4, 5, 6, 123456789, time.UTC)
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var kinds = []copied{
	{name: "owners and modes", make: func(t *testing.T, dir string) {
		for i, mode := range []uint32{0o000, 0o640, 0o4755, 0o2755, 0o6711, 0o1644} {
			p := filepath.Join(dir, fmt.Sprint("file", i))
			write(t, p, "x")
			ok(t, os.Chown(p, 1000+i, 2000+i))
			ok(t, unix.Chmod(p, mode))
		}
		for i, mode := range []uint32{0o700, 0o1777, 0o2775, 0o3000} {
			p := filepath.Join(dir, fmt.Sprint("dir", i))
			ok(t, os.Mkdir(p, 0o755))
			ok(t, os.Chown(p, 1000+i, 2000+i))
			ok(t, unix.Chmod(p, mode))
			write(t, filepath.Join(p, "in it"), "x")
		}
		ok(t, os.Symlink("/nowhere", dir+"/link"))
		ok(t, os.Lchown(dir+"/link", 1000, 2000))
	}},
	{name: "times", make: func(t *testing.T, dir string) {
		write(t, dir+"/d/f", "x")
		ok(t, os.Symlink("f", dir+"/d/link"))
		ts := []unix.Timespec{unix.NsecToTimespec(long.UnixNano()), unix.NsecToTimespec(long.Add(time.Nanosecond).UnixNano())}
		for _, p := range []string{"/d/f", "/d/link", "/d"} {
			ok(t, unix.UtimesNanoAt(unix.AT_FDCWD, dir+p, ts, unix.AT_SYMLINK_NOFOLLOW))
		}
	}},
	{name: "access lists", make: func(t *testing.T, dir string) {
		write(t, dir+"/d/f", "x")
		ok(t, unix.Setxattr(dir+"/d/f", "system.posix_acl_access", accessList, 0))
		ok(t, unix.Setxattr(dir+"/d", "system.posix_acl_access", accessList, 0))
		ok(t, unix.Setxattr(dir+"/d", "system.posix_acl_default", accessList, 0))
		ok(t, os.Mkdir(dir+"/d/inherited", 0o770))
		// One that was made under the default list and has none of its own.
		write(t, dir+"/d/plain", "x")
		ok(t, unix.Removexattr(dir+"/d/plain", "system.posix_acl_access"))
	}},
	{name: "attributes", make: func(t *testing.T, dir string) {
		write(t, dir+"/f", "x")
		ok(t, os.Mkdir(dir+"/d", 0o755))
		for _, p := range []string{"/f", "/d"} {
			for name, value := range map[string]string{
				"user.empty": "", "user.long": strings.Repeat("x", 3000), "trusted.mark": "t\x00u",
				"security.selinux": "system_u:object_r:etc_t:s0\x00",
			} {
				ok(t, unix.Setxattr(dir+p, name, []byte(value), 0))
			}
		}
		ok(t, os.Symlink("f", dir+"/link")) // which can have no user.*
		ok(t, unix.Lsetxattr(dir+"/link", "trusted.mark", []byte("link"), 0))
		ok(t, unix.Lsetxattr(dir+"/link", "security.selinux", []byte("system_u:object_r:lib_t:s0\x00"), 0))
	}},
	{name: "capabilities", make: func(t *testing.T, dir string) {
		write(t, dir+"/program", "x")
		ok(t, os.Chown(dir+"/program", 1000, 1000))
		ok(t, unix.Chmod(dir+"/program", 0o755))
		ok(t, unix.Setxattr(dir+"/program", "security.capability", netBind, 0))
	}},
	{name: "holes", make: func(t *testing.T, dir string) {
		for name, at := range map[string][]int64{"none": nil, "middle": {4 << 20}, "ends": {0, 8<<20 - 3}, "some": {1 << 20, 3 << 20, 5 << 20}} {
			f, err := os.Create(filepath.Join(dir, name))
			ok(t, err)
			ok(t, f.Truncate(8<<20))
			for _, n := range at {
				_, err := f.WriteAt([]byte("abc"), n)
				ok(t, err)
			}
			ok(t, errors.Join(f.Sync(), f.Close()))
		}
	}},
	{name: "hard links", make: func(t *testing.T, dir string) {
		write(t, dir+"/a/f", "x")
		ok(t, os.Mkdir(dir+"/b", 0o755))
		for _, p := range []string{"/b/second", "/third"} {
			ok(t, os.Link(dir+"/a/f", dir+p))
		}
		ok(t, unix.Mkfifo(dir+"/fifo", 0o600))
		ok(t, os.Link(dir+"/fifo", dir+"/b/fifo"))
		ok(t, os.Symlink("x", dir+"/link"))
		ok(t, os.Link(dir+"/link", dir+"/b/link"))
	}},
	{name: "fifos and devices", make: func(t *testing.T, dir string) {
		ok(t, unix.Mkfifo(dir+"/fifo", 0o620))
		ok(t, unix.Mknod(dir+"/char", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
		ok(t, unix.Mknod(dir+"/block", unix.S_IFBLK|0o640, int(unix.Mkdev(7, 200))))
	}},
	{name: "names", make: func(t *testing.T, dir string) {
		for _, name := range []string{"new\nline", "\xff\xfe", "-rf", strings.Repeat("n", 255), " ", "ünï"} {
			write(t, filepath.Join(dir, name), name)
		}
	}},
}

// describe is all that there is to know about what lies below a directory.
func describe(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	first := map[uint64]string{}
	ok(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var s unix.Stat_t
		ok(t, unix.Lstat(p, &s))
		rel, _ := filepath.Rel(dir, p)
		line := fmt.Sprintf("%q mode %o owner %d:%d device %d modified %d", rel, s.Mode, s.Uid, s.Gid, s.Rdev, s.Mtim.Nano())
		if s.Mode&unix.S_IFMT != unix.S_IFDIR {
			line += fmt.Sprintf(" names %d size %d", s.Nlink, s.Size)
			if one, again := first[s.Ino]; again {
				line += " is " + one
			} else {
				first[s.Ino] = rel
			}
		}
		switch s.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			to, err := os.Readlink(p)
			ok(t, err)
			line += " to " + to
		case unix.S_IFREG:
			f, err := os.OpenFile(p, os.O_RDONLY|unix.O_NOATIME, 0)
			ok(t, err)
			data, err := io.ReadAll(f)
			ok(t, errors.Join(err, f.Close()))
			line += fmt.Sprintf(" accessed %d content %x", s.Atim.Nano(), fnv(data))
			if s.Size > 1<<20 && s.Blocks*512 > s.Size/8 {
				line += " holes are filled"
			}
		}
		list := make([]byte, 4096)
		n, err := unix.Llistxattr(p, list)
		ok(t, err)
		names := strings.Split(strings.TrimRight(string(list[:n]), "\x00"), "\x00")
		slices.Sort(names)
		for _, name := range names {
			value := make([]byte, 4096)
			if name == "" || strings.HasPrefix(name, "trusted.SGI_ACL_") { // xfs has those of system.posix_acl_ twice
				continue
			}
			n, err := unix.Lgetxattr(p, name, value)
			ok(t, err)
			line += fmt.Sprintf(" %s=%x", name, fnv(value[:n]))
		}
		out = append(out, line)
		return nil
	}))
	return out
}

// fnv is a hash of data.
func fnv(data []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range bytes.TrimRight(data, "\x00") {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h ^ uint64(len(data))
}

// freshDisk mounts a new filesystem.
func freshDisk(t *testing.T, kind string) string {
	t.Helper()
	dir := nstest.Memory(t)
	top := filepath.Join(dir, "top")
	ok(t, os.Mkdir(top, 0o755))
	if kind == "tmpfs" {
		run(t, "mount", "-t", "tmpfs", "-o", "strictatime", "tmpfs", top)
	} else {
		if _, err := exec.LookPath("mkfs." + kind); err != nil {
			t.Skipf("needs mkfs.%s", kind)
		}
		img := filepath.Join(dir, "disk")
		f, err := os.Create(img)
		ok(t, err)
		ok(t, errors.Join(f.Truncate(512<<20), f.Close()))
		run(t, "mkfs."+kind, "-q", img)
		run(t, "mount", "-o", "loop,strictatime", img, top)
	}
	t.Cleanup(func() { run(t, "umount", top) })
	return top
}

// A copy has all that its original has, from every filesystem to every other and within each.
func TestCopyLosesNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts disk images on loop devices")
	}
	at := map[string]string{}
	all := []string{"ext4", "xfs", "btrfs", "tmpfs"}
	for _, kind := range all {
		at[kind] = freshDisk(t, kind)
	}
	for _, from := range all {
		for _, k := range kinds {
			t.Run(from+"/"+k.name, func(t *testing.T) {
				src := filepath.Join(at[from], "src", k.name)
				ok(t, os.MkdirAll(src, 0o755))
				k.make(t, src)
				want := describe(t, src)
				a, err := sys.OpenTree(at[from])
				ok(t, err)
				defer a.Close()
				for _, to := range all {
					dst := filepath.Join("dst-"+from, k.name)
					ok(t, os.MkdirAll(filepath.Join(at[to], "dst-"+from), 0o755))
					b, err := sys.OpenTree(at[to])
					ok(t, err)
					defer b.Close()
					if err := sys.Copy(a, filepath.Join("src", k.name), b, dst); err != nil {
						t.Errorf("to %s: %v", to, err)
						continue
					}
					got := describe(t, filepath.Join(at[to], dst))
					for i := range max(len(want), len(got)) {
						if i >= len(want) || i >= len(got) || want[i] != got[i] {
							t.Errorf("to %s:\nwant %s\ngot  %s", to, line(want, i), line(got, i))
						}
					}
					ok(t, b.RemoveTree(dst))
				}
			})
		}
	}
}

func line(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(nothing)"
}

// Under a default access list, a copy has what its original has and not what new files get there.
func TestCopyUnderAnotherAccessList(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts disk images on loop devices")
	}
	for _, kind := range []string{"ext4", "xfs", "btrfs", "tmpfs"} {
		t.Run(kind, func(t *testing.T) {
			top := freshDisk(t, kind)
			write(t, filepath.Join(top, "src/d/f"), "x")
			ok(t, os.Mkdir(filepath.Join(top, "dst"), 0o755))
			ok(t, unix.Setxattr(filepath.Join(top, "dst"), "system.posix_acl_default", accessList, 0))
			want := describe(t, filepath.Join(top, "src"))
			a, err := sys.OpenTree(top)
			ok(t, err)
			defer a.Close()
			ok(t, sys.Copy(a, "src", a, "dst/src"))
			if got := describe(t, filepath.Join(top, "dst/src")); !slices.Equal(got, want) {
				t.Errorf("\nwant %s\ngot  %s", strings.Join(want, "\n     "), strings.Join(got, "\n     "))
			}
			ok(t, a.MkdirLike("dst/like", a, "src"))
			if _, err := unix.Lgetxattr(filepath.Join(top, "dst/like"), "system.posix_acl_default", make([]byte, 100)); !errors.Is(err, unix.ENODATA) {
				t.Errorf("a directory like one without access list has one: %v", err)
			}
		})
	}
}

// Where the filesystem can, a copy takes no room.
func TestCopySharesContent(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts disk images on loop devices")
	}
	for _, kind := range []string{"xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			top := freshDisk(t, kind)
			data := make([]byte, 32<<20)
			for i := range data {
				data[i] = byte(i>>12 ^ i)
			}
			ok(t, os.WriteFile(filepath.Join(top, "big"), data, 0o644))
			a, err := sys.OpenTree(top)
			ok(t, err)
			defer a.Close()
			ok(t, a.Sync())
			before, _, err := sys.Space(top)
			ok(t, err)
			ok(t, sys.Copy(a, "big", a, "copy"))
			ok(t, a.Sync())
			after, _, err := sys.Space(top)
			ok(t, err)
			if after-before > 4<<20 {
				t.Errorf("the copy takes %d KiB", (after-before)>>10)
			}
			got, err := os.ReadFile(filepath.Join(top, "copy"))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("content: %v", err)
			}
		})
	}
}

// Btrfs is told not to copy on write for a file, such as the image of a disk, or for all in a directory. The copy is too.
func TestCopyKeepsNoCopyOnWrite(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts a btrfs image on a loop device")
	}
	top := freshDisk(t, "btrfs")
	ok(t, os.Mkdir(filepath.Join(top, "images"), 0o755))
	run(t, "chattr", "+C", filepath.Join(top, "images"))
	write(t, filepath.Join(top, "images/disk"), "x")
	a, err := sys.OpenTree(top)
	ok(t, err)
	defer a.Close()
	ok(t, sys.Copy(a, "images", a, "copy"))
	for _, p := range []string{"copy", "copy/disk"} {
		out, err := exec.Command("lsattr", "-d", filepath.Join(top, p)).Output()
		if err != nil || !strings.Contains(strings.Fields(string(out))[0], "C") {
			t.Errorf("%s: %s, %v", p, out, err)
		}
	}
}

// Sockets are left out, and nothing else with them.
func TestCopyLeavesSocketsOut(t *testing.T) {
	top := t.TempDir()
	write(t, filepath.Join(top, "src/f"), "x")
	ok(t, unix.Mknod(filepath.Join(top, "src/socket"), unix.S_IFSOCK|0o600, 0))
	a, err := sys.OpenTree(top)
	ok(t, err)
	defer a.Close()
	ok(t, sys.Copy(a, "src", a, "dst"))
	if names, err := a.List("dst"); err != nil || !slices.Equal(names, []string{"f"}) {
		t.Errorf("%v, %v", names, err)
	}
}
