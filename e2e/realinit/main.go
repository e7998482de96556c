// Command realinit is the own init of the small machines that have no initrd: what anicca-init must become in the end.
//
// It says on the console what it found, writes one declared and one undeclared file, and switches the machine off.
// Called modprobe, it loads the module of overlays, which the kernel asks for; called sh, it says so and ends.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"
)

func main() {
	switch filepath.Base(os.Args[0]) {
	case "modprobe":
		load()
		return
	case "sh":
		fmt.Println("REAL SHELL")
		return
	}
	if err := session(); err != nil {
		fmt.Println("REAL FAILED", err)
	}
	syscall.Sync()
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

func load() {
	found, _ := filepath.Glob("/usr/lib/modules/*/overlay.ko")
	if len(found) != 1 || os.Args[len(os.Args)-1] != "fs-overlay" {
		os.Exit(1)
	}
	f, err := os.Open(found[0])
	if err != nil {
		os.Exit(1)
	}
	none := []byte{0}
	if _, _, e := syscall.Syscall(313 /* finit_module of x86-64 */, f.Fd(), uintptr(unsafe.Pointer(&none[0])), 0); e != 0 {
		os.Exit(1)
	}
}

func session() error {
	fmt.Printf("REAL INIT pid=%d args=%q word=%q\n", os.Getpid(), os.Args, os.Getenv("word"))
	record, err := os.Open("/run/anicca/boot.json")
	if err != nil {
		fmt.Println("REAL RECORD none", err)
	} else {
		defer record.Close()
		for sc := bufio.NewScanner(record); sc.Scan(); {
			fmt.Println("RECORD", sc.Text())
		}
	}
	table, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	defer table.Close()
	for sc := bufio.NewScanner(table); sc.Scan(); {
		f := strings.Fields(sc.Text())
		kind := f[len(f)-3]
		fmt.Printf("REAL MOUNT %s %s %s\n", f[4], kind, f[3])
	}
	issue, err := os.ReadFile("/etc/issue")
	if err != nil {
		return err
	}
	_, junk := os.Stat("/etc/undeclared")
	kept, err := os.ReadFile("/srv/data/boots")
	if err != nil {
		kept = nil // so far, or in a session without the store
	}
	fmt.Printf("REAL FOUND issue=%q junk=%v kept=%q\n", issue, junk == nil, kept)
	if err := os.WriteFile("/etc/undeclared", []byte("junk\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile("/etc/issue", []byte("changed\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile("/srv/data/boots", append(kept, '.'), 0o644); err != nil {
		return err
	}
	fmt.Println("REAL DONE")
	return nil
}
