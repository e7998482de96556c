package root

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
)

// copied is one kind of thing that a copy must not lose. Make makes it in a directory.
type copied struct {
	name string
	make func(t *testing.T, dir string)
}

var (
	// netBind is CAP_NET_BIND_SERVICE, effective and permitted, as linux/capability.h lays it out in its second version.
	netBind = []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	long    = time.Date(2001, 2, 3, 4, 5, 6, 123456789, time.UTC)
)

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
		ok(t, unix.Setxattr(dir+"/d/f", "system.posix_acl_access", nstest.ACL, 0))
		ok(t, unix.Setxattr(dir+"/d", "system.posix_acl_access", nstest.ACL, 0))
		ok(t, unix.Setxattr(dir+"/d", "system.posix_acl_default", nstest.ACL, 0))
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

func line(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(nothing)"
}
