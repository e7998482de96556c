//go:build e2e

package e2e

import (
	"os"
	"testing"
)

// bootSector puts GRUB into the gap before the first partition, as grub-install does:
// boot.img's code into the first sector, core.img from the second on, where boot.img's default looks for it.
func bootSector(t *testing.T, image, root, prefix string) {
	t.Helper()
	inside(t, root, "grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)"+prefix+"/boot/grub", "-o", "/boot/grub/core.img",
		"biosdisk", "part_msdos", "btrfs", "ext2", "normal", "linux", "configfile", "search", "search_fs_uuid", "loadenv", "gzio", "echo", "test", "minicmd")
	boot, err := os.ReadFile(root + "/usr/lib/grub/i386-pc/boot.img")
	if err != nil {
		t.Fatal(err)
	}
	core, err := os.ReadFile(root + "/boot/grub/core.img")
	if err != nil {
		t.Fatal(err)
	}
	if 512+len(core) > partitionStart {
		t.Fatalf("core.img of %d bytes does not fit before the partition", len(core))
	}
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const beforeTable = 440 // of the boot sector: what follows is the disk's signature and the partition table
	if _, err := f.WriteAt(boot[:beforeTable], 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(core, 512); err != nil {
		t.Fatal(err)
	}
}
