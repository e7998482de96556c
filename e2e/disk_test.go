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

// disk is the image of a machine's only disk: one partition, laid out as an installer does.
type disk struct {
	flavour
	layout
	image  string
	uuid   string   // of the filesystem
	config string   // of GRUB
	drives []string // images of further disks
	home   string   // mode of bird's home, which differs between releases
	last   *machine
}

// layout is what lies on the partition.
type layout struct {
	fs   string // btrfs with the subvolume @rootfs, ext4 or xfs
	grub bool   // it boots by itself
	luks bool   // the disk is encrypted, and /boot lies on another; the initrd has the key, as it would have it from a TPM
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
func newDisk(t *testing.T, f flavour, l layout) *disk {
	t.Helper()
	tar := f.system(t)
	d := &disk{flavour: f, layout: l, image: filepath.Join(t.TempDir(), "disk.raw")}
	table := partitionTable()
	if l.luks {
		table = nil
	}
	if err := os.WriteFile(d.image, table, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, diskSize); err != nil {
		t.Fatal(err)
	}
	d.device(t, func(dev string) {
		run(t, "mkfs."+l.fs, map[string]string{"btrfs": "--quiet", "ext4": "-q", "xfs": "-q"}[l.fs], dev)
		d.uuid = run(t, "blkid", "-s", "UUID", "-o", "value", dev)
	})
	d.top(t, func(root string) {
		line := fmt.Sprintf("UUID=%s / %s defaults,errors=remount-ro 0 1\n", d.uuid, l.fs)
		if l.fs == "btrfs" {
			run(t, "btrfs", "subvolume", "create", root+"/@rootfs")
			root += "/@rootfs"
			line = fmt.Sprintf("UUID=%s / btrfs defaults,subvol=@rootfs 0 0\n", d.uuid)
		} else if l.fs == "xfs" {
			line = fmt.Sprintf("UUID=%s / xfs defaults 0 0\n", d.uuid)
		}
		run(t, "tar", "-C", root, "--xattrs", "--xattrs-include=*", "-xf", tar)
		if err := os.WriteFile(root+"/etc/fstab", []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
		if l.luks {
			d.prepareEncryption(t, root)
		}
		if l.grub {
			d.bootable(t, root)
		}
	})
	if l.luks {
		d.encrypt(t)
	}
	return d
}

// device gives the filesystem as a loop device while f runs.
func (d *disk) device(t *testing.T, f func(dev string)) {
	t.Helper()
	attached(t, d.image, d.start(), f)
}

// start is where the filesystem begins in the image, in bytes.
func (d *disk) start() int64 {
	if d.luks {
		return 0
	}
	return partitionStart
}

// top mounts the top level of the filesystem of a machine that is not running.
func (d *disk) top(t *testing.T, f func(top string)) {
	t.Helper()
	mounted(t, d.image, d.start(), f)
}

// offline gives the directory that the boot loader of a machine that is not running takes for its root.
func (d *disk) offline(t *testing.T, f func(root string)) {
	t.Helper()
	if d.luks {
		d.otherBoot(t, f)
		return
	}
	d.top(t, func(top string) {
		if d.fs == "btrfs" {
			top += "/@rootfs"
		}
		f(top)
	})
}

// check lets the filesystem of a machine that is not running be checked.
func (d *disk) check(t *testing.T) {
	t.Helper()
	if d.luks {
		d.decrypt(t)
	}
	d.device(t, func(dev string) {
		switch d.fs {
		case "btrfs":
			run(t, "btrfs", "check", "--readonly", dev)
		case "ext4":
			run(t, "e2fsck", "-fn", dev)
		case "xfs":
			run(t, "xfs_repair", "-n", dev)
		}
	})
}

// cmdline is what every boot's kernel command line begins with.
func (d *disk) cmdline() string {
	root := "root=UUID=" + d.uuid + " ro "
	if d.fs == "btrfs" {
		root += "rootflags=subvol=@rootfs "
	}
	return root + "console=ttyS0 loglevel=5 systemd.show_status=no mitigations=off nokaslr random.trust_cpu=on audit=0 apparmor=0 " +
		"no_timer_check panic=-1 net.ifnames=0"
}

// bootable makes the disk boot by itself. The configuration is what update-grub writes, without the menus;
// extra arguments come from the environment block, as grub-reboot's do.
func (d *disk) bootable(t *testing.T, root string) {
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
	prefix := ""
	if d.fs == "btrfs" {
		prefix = "/@rootfs"
	}
	config := fmt.Sprintf(`set timeout=0
insmod part_msdos
insmod btrfs
insmod ext2
search --no-floppy --fs-uuid --set=root %[1]s
load_env --file %[4]s/boot/grub/grubenv
menuentry Debian {
	linux %[4]s/boot/vmlinuz-%[2]s %[3]s ${extra}
	initrd %[4]s/boot/initrd.img-%[2]s
}
`, d.uuid, release, d.cmdline(), prefix)
	d.config = config
	if err := os.WriteFile(dir+"/grub.cfg", []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	setExtra(t, root, "")
	bootSector(t, d.image, root, prefix)
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
