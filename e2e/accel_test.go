//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func lockThread() { runtime.LockOSThread() }

var probe struct {
	once sync.Once
	args []string
}

// accelerator returns how to run machines here: with KVM where it really boots a kernel, else by emulation.
// That /dev/kvm exists proves nothing: inside clouds it may belong to a kind of KVM that only runs kernels made for it.
func accelerator(t *testing.T) []string {
	t.Helper()
	probe.once.Do(func() {
		// One processor and no cmpxchg16b: emulation of QEMU 7 gets flags and clocks wrong with more.
		probe.args = []string{"-accel", "tcg", "-cpu", "Nehalem,-cx16"}
		if kvmBoots(t) {
			probe.args = []string{"-accel", "kvm", "-cpu", "host"}
		}
		t.Logf("machines run with %s", probe.args[1])
	})
	return probe.args
}

// kvmBoots starts a kernel under KVM and waits a few seconds for its first word.
func kvmBoots(t *testing.T) bool {
	if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
		return false
	} else {
		f.Close()
	}
	dir := t.TempDir()
	tar := debian12tools.system(t)
	if err := exec.Command("tar", "-C", dir, "-xf", tar, "--wildcards", "./boot/vmlinuz-*").Run(); err != nil {
		return false
	}
	kernels, err := filepath.Glob(dir + "/boot/vmlinuz-*")
	if err != nil || len(kernels) == 0 {
		return false
	}
	var text console
	cmd := exec.Command("qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512", "-display", "none", "-nodefaults",
		"-no-reboot", "-serial", "stdio", "-kernel", kernels[0], "-append", "console=ttyS0 earlyprintk=serial panic=-1")
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		return false
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	ok := false
	for end := time.Now().Add(8 * time.Second); !ok && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ok = strings.Contains(text.String(), "Memory: ") // well beyond the decompressor
		select {
		case <-ended:
			end = time.Now()
		default:
		}
	}
	_ = cmd.Process.Kill()
	<-ended
	return ok
}
