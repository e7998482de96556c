// Command umlinit is the first process of the small machines whose power is cut by the dozen.
//
// It does what an initrd does around anicca-init, says on the console what it found,
// and then writes until the power is cut.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const root = "/sysroot"

func main() {
	fmt.Println("UML FAILED", boot())
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}

// boot returns only if something went wrong.
func boot() error {
	err := errors.Join(
		mount("proc", "/proc", "proc", 0, ""), mount("sysfs", "/sys", "sysfs", 0, ""),
		mount("dev", "/dev", "devtmpfs", 0, ""), mount("run", "/run", "tmpfs", 0, "mode=0755"))
	if err != nil {
		return err
	}
	anicca("reset", "--device", "/dev/ubda", "--options", "subvol=@rootfs")
	if err := mount("/dev/ubda", root, "btrfs", syscall.MS_RDONLY, "subvol=@rootfs"); err != nil {
		return err
	}
	anicca("persist", root)
	if err := report(); err != nil {
		return err
	}
	return write()
}

func anicca(args ...string) {
	cmd := exec.Command("/sbin/anicca-init", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		fmt.Printf("UML anicca-init %v: %v %s\n", args, err, out)
	}
}

// report says what the boot did and what it found, a fact a line.
func report() error {
	record, err := os.Open("/run/anicca/boot.json")
	if err != nil {
		return err
	}
	defer record.Close()
	for sc := bufio.NewScanner(record); sc.Scan(); {
		fmt.Println("RECORD", sc.Text())
	}
	junk, err := filepath.Glob(root + "/etc/undeclared*")
	if err != nil {
		return err
	}
	issue, err := os.ReadFile(root + "/etc/issue")
	if err != nil {
		return err
	}
	synced, err := last(root + "/srv/data/synced")
	if err != nil {
		return err
	}
	carried, err := os.ReadFile(root + "/etc/conf")
	if err != nil {
		return err
	}
	fmt.Printf("UML FOUND junk=%d issue=%q synced=%d conf=%q\n", len(junk), issue, synced, carried)
	return nil
}

// last returns the number in the last whole line of a file.
func last(p string) (int, error) {
	data, err := os.ReadFile(p)
	if err != nil {
		return 0, err
	}
	lines := strings.Split(string(data), "\n")
	if len(lines) < 2 {
		return 0, nil
	}
	return strconv.Atoi(lines[len(lines)-2])
}

// write writes declared and undeclared files, and says which number is on the disk.
func write() error {
	n, err := last(root + "/srv/data/synced")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(root+"/srv/data/synced", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	for {
		n++
		if _, err := fmt.Fprintln(f, n); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		fmt.Println("UML SYNCED", n)
		for i := range 20 {
			text := strings.Repeat(strconv.Itoa(n), 1000)
			if err := os.WriteFile(fmt.Sprintf("%s/etc/undeclared-%d-%d", root, n, i), []byte(text), 0o644); err != nil {
				return err
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}
