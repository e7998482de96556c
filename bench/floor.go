package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// floor renames the root and makes a snapshot in its place, by two system calls and no more.
// That is not safe, as there is a moment without a root; it is what the kernel needs at the least.
func (m *machine) floor() (float64, error) {
	if err := m.session(); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Join(m.top, "old"), 0o755); err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := os.Rename(filepath.Join(m.top, "@rootfs"), filepath.Join(m.top, "old", fmt.Sprint(m.n))); err != nil {
		return 0, err
	}
	if err := snapshot(m.top, "blank", "@rootfs"); err != nil {
		return 0, err
	}
	took := ms(time.Since(begin))
	return took, settle(m.top)
}

func snapshot(top, from, to string) error {
	t, err := unix.Open(top, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(t)
	s, err := unix.Open(filepath.Join(top, from), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	var a struct {
		fd, transid, flags uint64
		unused             [4]uint64
		name               [4040]byte
	}
	a.fd = uint64(s)
	copy(a.name[:], to)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(t), 0x50009417, uintptr(unsafe.Pointer(&a))); e != 0 {
		return e
	}
	return nil
}

// makeDisk mounts a new filesystem in an image.
func makeDisk(image, top, fstype string, args []string) error {
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	if err := f.Truncate(16 << 30); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Mkdir(top, 0o755); err != nil {
		return err
	}
	if err := program("mkfs."+fstype, append(args, image)...); err != nil {
		return err
	}
	return program("mount", "-o", "loop,noatime", image, top)
}

func unmount(top string) { _ = program("umount", top) }

func program(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}

// fill makes small files, 500 a directory.
func fill(dir string, files int) error {
	for i := range files {
		d := filepath.Join(dir, "data", fmt.Sprint(i/500))
		if i%500 == 0 {
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(d, fmt.Sprint(i)), []byte("x\n"), 0o644); err != nil {
			return err
		}
	}
	return settle(dir)
}

// settle waits until everything is on the disk, so that nothing measured pays for what came before.
func settle(dir string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Syncfs(fd)
}
