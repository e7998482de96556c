// Command umlinit is the first process of the small machines that are booted, broken and cut off by the dozen.
//
// It does what an initrd does around anicca-init, says on the console what it found, and then does what the test wants:
// runs commands in the machine's root and switches off in an orderly way, or writes until the power is cut.
package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const root = "/sysroot"

func main() {
	if err := boot(); err != nil {
		fmt.Println("UML FAILED", err)
	}
	syscall.Sync()
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

// words are the kernel command line.
var words = map[string]string{}

func boot() error {
	err := errors.Join(
		mount("proc", "/proc", "proc", 0, ""), mount("sysfs", "/sys", "sysfs", 0, ""),
		mount("dev", "/dev", "devtmpfs", 0, ""), mount("run", "/run", "tmpfs", 0, "mode=0755"))
	if err != nil {
		return err
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	for w := range strings.FieldsSeq(string(line)) {
		name, value, _ := strings.Cut(w, "=")
		words[name] = value
	}
	if err := module("/overlay.ko"); err != nil {
		return err
	}
	device, flags := words["root"], words["rootflags"]
	if late, err := strconv.Atoi(words["uml.late"]); err == nil { // the device appears under its name only then
		go func() {
			time.Sleep(time.Duration(late) * time.Second)
			_ = os.MkdirAll("/dev/disk/by-uuid", 0o755)
			_ = os.Symlink("/dev/ubda", "/dev/disk/by-uuid/late")
		}()
	}
	anicca("reset", "--device", device, "--options", flags)
	if other, ok := words["uml.mount"]; ok { // an initrd that mounts something else than it says
		flags = other
	}
	if err := mount("/dev/ubda", root, words["rootfstype"], syscall.MS_RDONLY, flags); err != nil {
		return err
	}
	anicca("persist", root)
	if words["uml.write"] != "" {
		if err := report(); err != nil {
			return err
		}
		return write()
	}
	return work()
}

// module loads a module of the kernel, if the image has it.
func module(p string) error {
	data, err := os.ReadFile(p)
	if err != nil {
		return nil
	}
	options := []byte{0}
	if _, _, e := syscall.Syscall(syscall.SYS_INIT_MODULE, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)), uintptr(unsafe.Pointer(&options[0]))); e != 0 {
		return fmt.Errorf("load %s: %w", p, e)
	}
	return nil
}

func anicca(args ...string) {
	cmd := exec.Command("/sbin/anicca-init", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		fmt.Printf("UML anicca-init %s: %v %s\n", args[0], err, strings.TrimSpace(string(out)))
	}
}

// work runs the test's commands in the machine's root, as one that has booted, and says what came out.
func work() error {
	for _, d := range []string{"proc", "sys", "dev", "run"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
		if err := syscall.Mount("/"+d, filepath.Join(root, d), "", syscall.MS_MOVE, ""); err != nil {
			return err
		}
	}
	// As switch-root does: what is mounted in the root is mounted at the paths that the machine knows.
	if err := errors.Join(os.Chdir(root), syscall.Mount(".", "/", "", syscall.MS_MOVE, ""), syscall.Chroot("."), os.Chdir("/")); err != nil {
		return err
	}
	list, err := base64.RawURLEncoding.DecodeString(words["uml.do"])
	if err != nil {
		return err
	}
	for i, command := range strings.Split(string(list), "\n") {
		cmd := exec.Command("/bin/busybox", "sh", "-c", command)
		cmd.Env = []string{"PATH=/bin:/sbin", "HOME=/"}
		out, err := cmd.CombinedOutput()
		code := 0
		if exit, ok := err.(*exec.ExitError); ok {
			code = exit.ExitCode()
		} else if err != nil {
			return err
		}
		fmt.Printf("UML OUT %d %d %s\n", i, code, base64.StdEncoding.EncodeToString(out))
	}
	fmt.Println("UML DONE")
	return nil
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
	kept, err := os.ReadFile(root + "/etc/conf")
	if err != nil {
		return err
	}
	fmt.Printf("UML FOUND junk=%d issue=%q synced=%d conf=%q\n", len(junk), issue, synced, kept)
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

// write writes declared and undeclared files, and says which number is on the disk. It ends with the power.
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
