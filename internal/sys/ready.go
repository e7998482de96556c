package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	btrfsScan  = 0x50009404
	btrfsReady = 0x90009427
)

// BtrfsReady waits until all devices of the btrfs filesystem are there that one of them belongs to.
// In systemd's initrds udev does so; elsewhere nobody may have told the kernel of the others yet.
func BtrfsReady(device string, wait time.Duration) error {
	control, err := unix.Open("/dev/btrfs-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return nil // not loaded yet: the mount will do that, and tell
	}
	if err != nil {
		return wrap("open", "/dev/btrfs-control", err)
	}
	defer unix.Close(control)
	for end := time.Now().Add(wait); ; time.Sleep(100 * time.Millisecond) {
		missing, err := btrfsControl(control, btrfsReady, device)
		if err != nil {
			return wrap("btrfs devices", device, err)
		}
		if missing == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("of the filesystem on %s, other devices did not appear within %s", device, wait)
		}
		scanAll(control)
	}
}

// scanAll tells the kernel of every btrfs device that there is.
func scanAll(control int) {
	names, _ := os.ReadDir("/sys/class/block")
	for _, n := range names {
		p := "/dev/" + n.Name()
		if sb, err := Probe(p); err == nil && sb.Type == "btrfs" {
			_, _ = btrfsControl(control, btrfsScan, p)
		}
	}
}

// btrfsControl returns 1 for a filesystem that is not complete.
func btrfsControl(control int, req uintptr, device string) (int, error) {
	var a struct { // struct btrfs_ioctl_vol_args
		fd   int64
		name [4088]byte
	}
	copy(a.name[:len(a.name)-1], device)
	n, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(control), req, uintptr(unsafe.Pointer(&a)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
