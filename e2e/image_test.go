//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"anicca/internal/nstest"
)

// attached gives an image, from a byte on, as a loop device while f runs.
func attached(t *testing.T, image string, start int64, f func(device string)) {
	t.Helper()
	device, release := nstest.Loop(t, image, fmt.Sprintf("--offset=%d", start))
	defer free(t, image)
	defer release()
	f(device)
}

// mounted mounts an image, from a byte on, while f runs.
func mounted(t *testing.T, image string, start int64, f func(top string)) {
	t.Helper()
	attached(t, image, start, func(device string) {
		top := t.TempDir()
		run(t, "mount", "-o", "noatime", device, top)
		defer unmount(t, top)
		f(top)
	})
}

// unmount unmounts what a test has mounted. A program that another test starts in this moment may hold files of it,
// from its fork to its exec.
func unmount(t *testing.T, dir string) {
	t.Helper()
	run(t, "sync", "--file-system", dir) // nobody else tells that the disk of the host is full
	var out []byte
	var err error
	for range 50 {
		if out, err = exec.Command("umount", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "busy") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("umount %s: %v\n%s", dir, err, out)
	}
}

// freeLimit is for a program that builds an image in a mount namespace of its own, and began while ours was mounted.
const freeLimit = 15 * time.Minute

// free waits until the kernel has let go of an image. Until then its filesystem is mounted somewhere: neither is all of it in
// the image, nor may a machine write to that.
func free(t *testing.T, image string) {
	t.Helper()
	begin, told := time.Now(), false
	for {
		who := run(t, "losetup", "--noheadings", "--output", "NAME", "--associated", image)
		if who == "" {
			return
		}
		waited := time.Since(begin)
		if waited > freeLimit {
			t.Fatalf("%s still has %s: is it mounted in another mount namespace? See: grep %[1]s /proc/*/mountinfo", who, image)
		}
		if waited > 5*time.Second && !told {
			told = true
			fmt.Fprintf(os.Stderr, "%s: waiting until another mount namespace lets go of %s\n", t.Name(), who)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
