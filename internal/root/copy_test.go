package root

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

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
			ok(t, unix.Setxattr(filepath.Join(top, "dst"), "system.posix_acl_default", nstest.ACL, 0))
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
