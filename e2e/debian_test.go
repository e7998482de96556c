//go:build e2e

package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// flavour is a stock Debian as an installer leaves it, with one of the initrd generators.
type flavour struct {
	name      string // of its image
	suite     string
	generator string
	packages  string
	early     string // configuration of dracut, from before it is installed: its package builds images several times
	prepare   string
}

const common = "systemd,systemd-sysv,udev,dbus,kmod,linux-image-cloud-amd64,btrfs-progs,e2fsprogs,xfsprogs,iproute2,util-linux,openssh-server"

// debian12tools boots through GRUB from its own disk; for the others the emulator reads kernel and initrd out of it before each boot.
var (
	debian12tools = flavour{
		name: "debian12-initramfs-tools", suite: "bookworm", generator: "initramfs-tools",
		packages: common + ",initramfs-tools,grub-pc-bin,grub2-common", prepare: quickTools,
	}
	debian13tools = flavour{
		name: "debian13-initramfs-tools", suite: "trixie", generator: "initramfs-tools",
		packages: common + ",initramfs-tools,grub-pc-bin,grub2-common,kexec-tools", prepare: quickTools,
	}
	debian12dracut = flavour{
		name: "debian12-dracut", suite: "bookworm", generator: "dracut",
		packages: common + ",dracut,gzip", early: quickDracut + modules, prepare: buildDracut,
	}
	debian13dracut = flavour{
		name: "debian13-dracut", suite: "trixie", generator: "dracut",
		packages: common + ",dracut,gzip,cryptsetup-bin,dmsetup,systemd-cryptsetup",
		early: quickDracut + `install_items+=" /etc/crypttab /etc/disk.key "
add_drivers+=" dm-crypt "
` + strings.Replace(modules, "usrmount", "usrmount crypt dm systemd-cryptsetup", 1),
		// The generator wants to see what it shall install; the disk's own key and table come with the disk.
		prepare: "touch /etc/crypttab /etc/disk.key\n" + buildDracut,
	}
)

const (
	quickTools = `
sed -i 's/^COMPRESS=.*/COMPRESS=gzip/; s/^# *COMPRESSLEVEL=.*/COMPRESSLEVEL=1/' /etc/initramfs-tools/initramfs.conf
update-initramfs -u -k all
`
	quickDracut = `hostonly=no
compress="gzip -1"
early_microcode=no
add_drivers+=" virtio_blk virtio_pci btrfs ext4 virtio_console "
`
	// A list of modules keeps one build under emulation in bounds; what anicca adds comes on top of it.
	modules = `dracutmodules+=" base systemd systemd-initrd dracut-systemd rootfs-block btrfs fs-lib udev-rules usrmount "
`
	buildDracut = `
test ! -e /usr/sbin/update-initramfs
k=$(ls /lib/modules)
dracut --force "/boot/initrd.img-$k" "$k"
`
)

// everywhere is done in all flavours, inside the new system.
const everywhere = `
set -eu
echo birdhouse >/etc/hostname
useradd --create-home --uid 1000 --shell /bin/bash bird
systemctl enable e2e-agent.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer getty@tty1.service
mkdir -p /etc/systemd/system.conf.d
printf '[Manager]\nDefaultTimeoutStopSec=15s\n' >/etc/systemd/system.conf.d/e2e.conf
: >/etc/machine-id
`

const agentUnit = `[Unit]
Description=Agent of the test
After=sysinit.target
[Service]
ExecStart=/usr/local/sbin/e2e-agent
Restart=on-failure
StandardOutput=null
StandardError=journal
[Install]
WantedBy=multi-user.target
`

// system returns a tar archive of the installed system, built once.
func (f flavour) system(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: builds and mounts disk images")
	}
	for _, p := range []string{"mmdebstrap", "qemu-system-x86_64", "mkfs.btrfs", "losetup", "tar"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("needs %s, which is not installed", p)
		}
	}
	work := t.TempDir()
	agent := filepath.Join(work, "e2e-agent")
	build(t, agent, "./agent")
	code, err := os.ReadFile("agent/main.go")
	if err != nil {
		t.Fatal(err)
	}
	recipe := sha256.Sum256([]byte(f.suite + f.packages + f.early + everywhere + f.prepare + agentUnit + string(code)))
	return cached(t, fmt.Sprintf("%s-%x.tar", f.name, recipe[:8]), func(tmp string) { f.make(t, work, agent, tmp) })
}

// make builds the installed system with an agent, and writes it to a tar archive.
func (f flavour) make(t *testing.T, work, agent, tar string) {
	t.Helper()
	begin := time.Now()
	unit := filepath.Join(work, "e2e-agent.service")
	script := filepath.Join(work, "prepare")
	early := filepath.Join(work, "early.conf")
	for p, text := range map[string]string{early: f.early, unit: agentUnit, script: "#!/bin/bash\n" + everywhere + f.prepare} {
		if err := os.WriteFile(p, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "mmdebstrap", "--variant=minbase", "--mode=root", "--quiet",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		"--include="+f.packages,
		"--essential-hook=mkdir -p \"$1/etc/dracut.conf.d\"",
		"--essential-hook=upload "+early+" /etc/dracut.conf.d/e2e.conf",
		"--customize-hook=upload "+agent+" /usr/local/sbin/e2e-agent",
		"--customize-hook=chmod 755 \"$1/usr/local/sbin/e2e-agent\"",
		"--customize-hook=upload "+unit+" /etc/systemd/system/e2e-agent.service",
		"--customize-hook=chmod 644 \"$1/etc/systemd/system/e2e-agent.service\"",
		"--customize-hook=upload "+script+" /prepare",
		"--customize-hook=env --unset=TMPDIR chroot \"$1\" bash /prepare",
		"--customize-hook=rm \"$1/prepare\"",
		f.suite, tar)
	t.Logf("built %s in %s", f.name, time.Since(begin).Round(time.Second))
}

// build compiles a program of this module as it is shipped.
func build(t *testing.T, out, pkg string) {
	t.Helper()
	args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", out}
	if strings.HasSuffix(pkg, "anicca-init") {
		args = append(args, "-gcflags=all=-l", "-ldflags=-s -w -funcalign=8")
	}
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, text)
	}
}

// run runs a program of the host and returns what it says.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// inside runs a program of an installed system, where our directory for temporary files is not.
func inside(t *testing.T, root string, args ...string) {
	t.Helper()
	run(t, "env", append([]string{"--unset=TMPDIR", "chroot", root}, args...)...)
}
