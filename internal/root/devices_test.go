package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// A filesystem of two devices is waited for until both are there, also where nobody has told the kernel of the second,
// and is reset like any other.
func TestSeveralDevices(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts images on loop devices")
	}
	if _, err := exec.LookPath("mkfs.btrfs"); err != nil {
		t.Skip("needs mkfs.btrfs: apt-get install btrfs-progs")
	}
	dir := nstest.Memory(t)
	var images []string
	for _, name := range []string{"a", "b"} {
		image := filepath.Join(dir, name)
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, 256<<20); err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	attach := func(image string) string {
		device, _ := nstest.Loop(t, image)
		return device
	}
	run(t, "mkfs.btrfs", "-q", "-m", "raid1", "-d", "raid1", images[0], images[1])
	first := attach(images[0])
	run(t, "btrfs", "device", "scan", "--forget")
	run(t, "btrfs", "device", "scan", first)
	if err := sys.BtrfsReady(first, 300*time.Millisecond); err == nil || !strings.Contains(err.Error(), "other devices did not appear within 300ms") {
		t.Errorf("with one of two devices: %v", err)
	}
	late := make(chan string)
	go func() {
		time.Sleep(300 * time.Millisecond)
		late <- attach(images[1])
	}()
	if err := sys.BtrfsReady(first, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	<-late
	top := filepath.Join(dir, "top")
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", first, top)
	defer run(t, "umount", top)
	run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(top, "@rootfs"))
	write(t, filepath.Join(top, "@rootfs/etc/issue"), "base\n")
	d := setUp(t, top)
	defer d.Close()
	if _, err := d.MakeBase(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(top, "@rootfs/etc/issue"), "changed\n")
	if _, err := reset(d); err != nil || read(t, filepath.Join(top, "@rootfs/etc/issue")) != "base\n" {
		t.Error("not reset", err)
	}
}
