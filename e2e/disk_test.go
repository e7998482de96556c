//go:build e2e

package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
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
	crypt  string   // UUID of the encrypted partition
	config string   // of GRUB
	drives []string // images of further disks
	last   *machine
}

// layout is what lies on the partition.
type layout struct {
	fs   string // btrfs with the subvolume @rootfs, ext4 or xfs
	grub bool   // it boots by itself
	luks bool   // the partition is encrypted; the initrd has the key, as it would have it from a TPM
}

// key opens encrypted disks.
const key = "correct horse battery staple"

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
	if err := os.WriteFile(d.image, partitionTable(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, diskSize); err != nil {
		t.Fatal(err)
	}
	if l.luks {
		d.partition(t, func(dev string) {
			format := exec.Command("cryptsetup", "luksFormat", "--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file=-", dev)
			format.Stdin = strings.NewReader(key)
			if out, err := format.CombinedOutput(); err != nil {
				t.Fatalf("luksFormat: %v\n%s", err, out)
			}
		})
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
			d.encrypted(t, root)
		}
		if l.grub {
			d.bootable(t, root)
		}
	})
	return d
}

// encrypted gives the installed system the key of its disk, and its initrd too.
func (d *disk) encrypted(t *testing.T, root string) {
	t.Helper()
	uuid := ""
	d.partition(t, func(dev string) { uuid = run(t, "blkid", "-s", "UUID", "-o", "value", dev) })
	for p, text := range map[string]string{"crypttab": "cryptroot UUID=" + uuid + " /etc/disk.key luks\n", "disk.key": key} {
		if err := os.WriteFile(root+"/etc/"+p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.crypt = uuid
	release := filepath.Base(run(t, "sh", "-c", "echo "+root+"/lib/modules/*"))
	for _, m := range []string{"proc", "sys", "dev"} {
		run(t, "mount", "--rbind", "/"+m, root+"/"+m)
		defer run(t, "umount", "-l", root+"/"+m)
	}
	run(t, "chroot", root, "dracut", "--force", "/boot/initrd.img-"+release, release)
}

// partition gives the partition as a loop device while f runs.
func (d *disk) partition(t *testing.T, f func(dev string)) {
	t.Helper()
	dev := run(t, "losetup", "--find", "--show", fmt.Sprintf("--offset=%d", partitionStart), d.image)
	defer run(t, "losetup", "--detach", dev)
	f(dev)
}

// device gives the device that the filesystem is on while f runs.
func (d *disk) device(t *testing.T, f func(dev string)) {
	t.Helper()
	d.partition(t, func(dev string) {
		if !d.luks {
			f(dev)
			return
		}
		name := "anicca-e2e-" + filepath.Base(dev)
		open := exec.Command("cryptsetup", "open", "--key-file=-", dev, name)
		open.Stdin = strings.NewReader(key)
		if out, err := open.CombinedOutput(); err != nil {
			t.Fatalf("cryptsetup open: %v\n%s", err, out)
		}
		defer run(t, "cryptsetup", "close", name)
		f("/dev/mapper/" + name)
	})
}

// top mounts the top level of the filesystem of a machine that is not running.
func (d *disk) top(t *testing.T, f func(top string)) {
	t.Helper()
	d.device(t, func(dev string) {
		dir := t.TempDir()
		run(t, "mount", "-o", "noatime", dev, dir)
		defer run(t, "umount", dir)
		f(dir)
	})
}

// offline gives the directory that the boot loader of a machine that is not running takes for its root.
func (d *disk) offline(t *testing.T, f func(root string)) {
	t.Helper()
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
	if d.luks {
		root += "rd.luks.uuid=" + d.crypt + " rd.luks.key=/etc/disk.key "
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
