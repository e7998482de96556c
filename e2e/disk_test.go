//go:build e2e

package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// disk is the image of a machine's only disk: one btrfs partition, laid out as Debian's installer does.
type disk struct {
	flavour flavour
	image   string
	uuid    string
	last    *machine // that ran on it
}

const (
	diskSize       = 6 << 30
	partitionStart = 1 << 20
)

// partitionTable is a boot sector without code: one bootable Linux partition over the whole disk.
func partitionTable() []byte {
	sector := make([]byte, 512)
	entry := sector[446:]
	copy(entry, []byte{0x80, 0xfe, 0xff, 0xff, 0x83, 0xfe, 0xff, 0xff})
	binary.LittleEndian.PutUint32(entry[8:], partitionStart/512)
	binary.LittleEndian.PutUint32(entry[12:], (diskSize-partitionStart)/512)
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}

// newDisk installs a system on a new disk.
func newDisk(t *testing.T, f flavour) *disk {
	t.Helper()
	tar := f.system(t)
	d := &disk{flavour: f, image: filepath.Join(t.TempDir(), "disk.raw")}
	if err := os.WriteFile(d.image, partitionTable(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, diskSize); err != nil {
		t.Fatal(err)
	}
	d.loop(t, func(dev string) {
		run(t, "mkfs.btrfs", "--quiet", dev)
		d.uuid = run(t, "blkid", "-s", "UUID", "-o", "value", dev)
		top := t.TempDir()
		run(t, "mount", "-o", "noatime", dev, top)
		defer run(t, "umount", top)
		run(t, "btrfs", "subvolume", "create", top+"/@rootfs")
		root := top + "/@rootfs"
		run(t, "tar", "-C", root, "--xattrs", "--xattrs-include=*", "-xf", tar)
		line := fmt.Sprintf("UUID=%s / btrfs defaults,subvol=@rootfs 0 0\n", d.uuid)
		if err := os.WriteFile(root+"/etc/fstab", []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
		if f.grub {
			d.grub(t, root)
		}
	})
	return d
}

// loop gives the partition as a loop device while f runs.
func (d *disk) loop(t *testing.T, f func(dev string)) {
	t.Helper()
	dev := run(t, "losetup", "--find", "--show", fmt.Sprintf("--offset=%d", partitionStart), d.image)
	defer run(t, "losetup", "--detach", dev)
	f(dev)
}

// offline mounts the root subvolume of a machine that is not running.
func (d *disk) offline(t *testing.T, f func(root string)) {
	t.Helper()
	d.loop(t, func(dev string) {
		dir := t.TempDir()
		run(t, "mount", "-o", "subvol=@rootfs", dev, dir)
		defer run(t, "umount", dir)
		f(dir)
	})
}

// check lets btrfs check the filesystem of a machine that is not running.
func (d *disk) check(t *testing.T) {
	t.Helper()
	d.loop(t, func(dev string) {
		run(t, "btrfs", "check", "--readonly", dev)
	})
}

// cmdline is what every boot's kernel command line begins with.
func (d *disk) cmdline() string {
	return "root=UUID=" + d.uuid + " ro rootflags=subvol=@rootfs console=ttyS0 loglevel=5 systemd.show_status=no " +
		"mitigations=off nokaslr random.trust_cpu=on audit=0 apparmor=0 no_timer_check panic=-1 net.ifnames=0"
}

// grub makes the disk boot by itself. The configuration is what update-grub writes, without the menus;
// extra arguments come from the environment block, as grub-reboot's do.
func (d *disk) grub(t *testing.T, root string) {
	t.Helper()
	kernels, err := filepath.Glob(root + "/boot/vmlinuz-*")
	if err != nil || len(kernels) != 1 {
		t.Fatalf("kernels in the image: %v, %v", kernels, err)
	}
	release := strings.TrimPrefix(filepath.Base(kernels[0]), "vmlinuz-")
	dir := root + "/boot/grub"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`set timeout=0
insmod part_msdos
insmod btrfs
search --no-floppy --fs-uuid --set=root %[1]s
load_env --file /@rootfs/boot/grub/grubenv
menuentry Debian {
	linux /@rootfs/boot/vmlinuz-%[2]s %[3]s ${extra}
	initrd /@rootfs/boot/initrd.img-%[2]s
}
`, d.uuid, release, d.cmdline())
	if err := os.WriteFile(dir+"/grub.cfg", []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	setExtra(t, root, "")
	bootSector(t, d.image, root)
}

// setExtra writes GRUB's environment block: 1024 bytes, padded with #.
func setExtra(t *testing.T, root, extra string) {
	t.Helper()
	block := "# GRUB Environment Block\nextra=" + extra + "\n"
	block += strings.Repeat("#", 1024-len(block))
	if err := os.WriteFile(root+"/boot/grub/grubenv", []byte(block), 0o644); err != nil {
		t.Fatal(err)
	}
}
