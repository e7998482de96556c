package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
