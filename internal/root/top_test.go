package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/sys"
)

// Two programs never work on one ledger at a time; the second is told so.
func TestMountTopIsForOne(t *testing.T) {
	top := newDisk(t)
	out, err := exec.Command("findmnt", "-no", "SOURCE", top).Output()
	if err != nil {
		t.Fatal(err)
	}
	device, _, _ := strings.Cut(strings.TrimSpace(string(out)), "[")
	dir, done, err := MountTop(device, "btrfs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "@rootfs/etc/issue")); err != nil {
		t.Error(err)
	}
	if _, _, err := MountTop(device, "btrfs"); err == nil || !strings.Contains(err.Error(), "another anicca is at work") {
		t.Errorf("a second program: %v", err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "@rootfs")); err == nil {
		t.Error("still mounted")
	}
	_, done, err = MountTop(device, "btrfs")
	if err != nil {
		t.Fatalf("after the first is done: %v", err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
}

// Whoever only looks at a filesystem that is read-only, as in an emergency shell, does not make it writable by that.
func TestLookLeavesReadOnly(t *testing.T) {
	plain := newPlainMachine(t, "ext4")
	for fstype, top := range map[string]string{"btrfs": newDisk(t), "ext4": plain.top} {
		device := deviceOf(t, top)
		if err := unix.Mount("", top, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		dir, done, err := LookTop(device, fstype)
		if err != nil {
			t.Errorf("%s: %v", fstype, err)
			continue
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) == 0 {
			t.Errorf("%s: the top level is not seen: %v", fstype, err)
		}
		m, err := sys.MountAt(top)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(m.VFSOptions, "ro") {
			t.Errorf("%s is %s now", fstype, m.VFSOptions)
		}
		if err := done(); err != nil {
			t.Error(err)
		}
	}
}
