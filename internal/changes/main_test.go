package changes

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	nstest.Apart()
	os.Exit(m.Run())
}

// disk mounts a fresh filesystem.
func disk(t *testing.T, fstype string, mib int64) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts an image on a loop device")
	}
	if _, err := exec.LookPath("mkfs." + fstype); err != nil {
		t.Skip("needs mkfs." + fstype)
	}
	dir := nstest.Memory(t)
	img, top := filepath.Join(dir, "disk"), filepath.Join(dir, "top")
	must(t, os.Mkdir(top, 0o755))
	f, err := os.Create(img)
	must(t, err)
	must(t, f.Truncate(mib<<20))
	must(t, f.Close())
	run(t, "mkfs."+fstype, "-q", img)
	run(t, "mount", "-o", "loop", img, top)
	t.Cleanup(func() { run(t, "umount", top) })
	return top
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func open(t *testing.T, p string) *sys.Tree {
	t.Helper()
	tree, err := sys.OpenTree(p)
	must(t, err)
	t.Cleanup(func() { tree.Close() })
	return tree
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
