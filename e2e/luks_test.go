//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unmeasured is what qemu-img 7.2 says where a key derivation took less than one tick of the clock that it measures with
// (crypto/pbkdf.c, qcrypto_pbkdf2_count_iters). It depends on luck: it has not begun to write when it says so.
const unmeasured = "Unable to get accurate CPU usage"

// key opens encrypted disks.
const key = "correct horse battery staple"

// prepareEncryption gives an installed system the key of its disk, in its initrd too, and a /boot on another disk.
// All is still in the clear.
func (d *disk) prepareEncryption(t *testing.T, root string) {
	t.Helper()
	for p, text := range map[string]string{"crypttab": "cryptroot /dev/vda /etc/disk.key luks\n", "disk.key": key} {
		if err := os.WriteFile(root+"/etc/"+p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	release := filepath.Base(run(t, "sh", "-c", "echo "+root+"/lib/modules/*"))
	for _, m := range []string{"proc", "sys", "dev"} {
		run(t, "mount", "--rbind", "/"+m, root+"/"+m)
		run(t, "mount", "--make-rslave", root+"/"+m)
		defer run(t, "umount", "--recursive", "--lazy", root+"/"+m) // what else is removed with the directory is not ours
	}
	inside(t, root, "dracut", "--force", "/boot/initrd.img-"+release, release)
	boot := filepath.Join(filepath.Dir(d.image), "boot.raw")
	if err := os.WriteFile(boot, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(boot, 512<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", boot)
	d.drives = []string{boot}
	d.otherBoot(t, func(dir string) { run(t, "sh", "-c", "mv "+root+"/boot/* "+dir+"/boot") })
	run(t, "sh", "-c", "echo '/dev/vdb /boot ext4 defaults 0 2' >>"+root+"/etc/fstab")
}

// otherBoot mounts the disk of /boot, at boot below a directory.
func (d *disk) otherBoot(t *testing.T, f func(dir string)) {
	t.Helper()
	mounted(t, d.drives[0], 0, func(boot string) {
		dir := t.TempDir()
		if err := os.Symlink(boot, dir+"/boot"); err != nil {
			t.Fatal(err)
		}
		f(dir)
	})
}

// encrypt turns a disk into a LUKS container with the same content. The emulator's tool does so without the kernel's help.
func (d *disk) encrypt(t *testing.T) {
	t.Helper()
	plain := d.image + ".plain"
	if err := os.Rename(d.image, plain); err != nil {
		t.Fatal(err)
	}
	for try := 0; ; try++ {
		out, err := exec.Command("qemu-img", "convert", "--object", "secret,id=key,data="+key,
			"-f", "raw", "-O", "luks", "-o", "key-secret=key,iter-time=200", plain, d.image).CombinedOutput()
		if err == nil {
			break
		}
		if try == 100 || !strings.Contains(string(out), unmeasured) {
			t.Fatalf("qemu-img: %v\n%s", err, out)
		}
	}
	if err := os.Remove(plain); err != nil {
		t.Fatal(err)
	}
}

// decrypt turns it back, to look into it.
func (d *disk) decrypt(t *testing.T) {
	t.Helper()
	plain := d.image + ".plain"
	run(t, "qemu-img", "convert", "--object", "secret,id=key,data="+key,
		"--image-opts", "driver=luks,key-secret=key,file.filename="+d.image, "-O", "raw", plain)
	if err := os.Rename(plain, d.image); err != nil {
		t.Fatal(err)
	}
}
