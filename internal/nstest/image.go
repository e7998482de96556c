package nstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Image mounts a fresh filesystem of a type, from an image in memory, and returns where. It skips the test where this is not
// root, or has no program to make one. The program must be [Apart].
func Image(t testing.TB, fstype string, args ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts an image on a loop device")
	}
	if _, err := exec.LookPath("mkfs." + fstype); err != nil {
		t.Skipf("needs mkfs.%s", fstype)
	}
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	dir := Memory(t)
	img, top := filepath.Join(dir, "disk"), filepath.Join(dir, "top")
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, 512<<20); err != nil {
		t.Fatal(err)
	}
	run("mkfs."+fstype, append(args, "-q", img)...)
	run("mount", "-o", "loop", img, top)
	t.Cleanup(func() { run("umount", top) })
	return top
}
