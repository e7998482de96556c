//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// A disk is not used again while a program that was started meanwhile, in a mount namespace of its own, still has it:
// what was written before is not in the image yet.
func TestImageIsWhole(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts disk images")
	}
	for _, fs := range []string{"ext4", "btrfs"} {
		t.Run(fs, func(t *testing.T) {
			if _, err := exec.LookPath("mkfs." + fs); err != nil {
				t.Skipf("needs mkfs.%s", fs)
			}
			image := filepath.Join(t.TempDir(), "disk")
			writeFile(t, image, "")
			if err := os.Truncate(image, 256<<20); err != nil {
				t.Fatal(err)
			}
			run(t, "mkfs."+fs, "-q", image)
			holder := exec.Command("unshare", "--mount", "sh", "-c", "echo; sleep 2")
			mounted(t, image, 0, func(top string) {
				writeFile(t, top+"/boot/vmlinuz", "kernel")
				out, err := holder.StdoutPipe()
				if err == nil {
					err = holder.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
				_, _ = out.Read(make([]byte, 1)) // it has its own copy of our mounts now
			})
			if who := run(t, "losetup", "--noheadings", "--output", "NAME", "--associated", image); who != "" {
				t.Errorf("a machine would write to a disk that is mounted: %s", who)
			}
			mounted(t, image, 0, func(top string) {
				if text, err := os.ReadFile(top + "/boot/vmlinuz"); err != nil || string(text) != "kernel" {
					t.Errorf("%q, %v", text, err)
				}
			})
		})
	}
}

// An image that several want is made once, and what is not whole never has its name.
func TestCached(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	all := filepath.Join(dir, "anicca-e2e")
	writeFile(t, filepath.Join(all, unfinished+"1.tar"), "of a run that was killed")
	t.Run("failing", func(t *testing.T) {
		defer func() { _ = recover() }()
		cached(t, "a.tar", func(tmp string) {
			writeFile(t, tmp, "half")
			panic("no space left on device")
		})
	})
	var made int
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			p := cached(t, "a.tar", func(tmp string) {
				made++ // under the lock
				writeFile(t, tmp, "whole")
			})
			if text, err := os.ReadFile(p); err != nil || string(text) != "whole" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	group.Wait()
	if left, _ := filepath.Glob(all + "/.new-*"); made != 1 || len(left) > 0 {
		t.Errorf("made %d times; left: %v", made, left)
	}
}
