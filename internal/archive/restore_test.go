package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/archive"
	"anicca/internal/nstest"
	"anicca/internal/root"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	nstest.Enter()
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What comes back has all that it had, and so have the directories above it; what lies there meanwhile is not touched.
func TestRestore(t *testing.T) {
	nstest.Need(t)
	nstest.NeedIDs(t)
	dir := t.TempDir()
	at, err := sys.OpenTree(dir)
	must(t, err)
	must(t, at.Mount("disk", ".", "tmpfs", nil, "mode=0755"))
	at.Close()
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	for _, d := range []string{"anicca/base/1/etc", "sysroot", "to"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	d, err := root.CreateOverlay(dir, "anicca/base/1", root.Ledger{Store: "store", StorePath: "/persist"}, time.Now())
	must(t, err)
	defer d.Close()
	group := filepath.Join(dir, "anicca/upper/srv/group")
	must(t, os.MkdirAll(group, 0o755))
	must(t, os.WriteFile(group+"/f", []byte("text\n"), 0o640))
	must(t, os.Chown(group, 1000, 1001))
	must(t, unix.Chmod(group, 0o2770))
	list := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 5, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255}
	must(t, unix.Setxattr(group, "system.posix_acl_default", list, 0))
	made, err := d.Reset(root.Order{Now: time.Now()})
	must(t, errors.Join(err, d.Commit(time.Now())))

	old, err := archive.Find(d, "/srv/group/f")
	must(t, err)
	if old.ID != made.Archive {
		t.Errorf("found in %q, want %q", old.ID, made.Archive)
	}
	to, err := sys.OpenTree(filepath.Join(dir, "to"))
	must(t, err)
	defer to.Close()
	must(t, archive.Restore(d, old.ID, "/srv/group/f", to, "/srv/group/f"))
	for p, want := range map[string]string{"/srv": "0755 0:0", "/srv/group": "2770 1000:1001", "/srv/group/f": "0640 0:0"} {
		s, err := to.Stat(p)
		must(t, err)
		if got := fmt.Sprintf("%04o %d:%d", s.Perm(), s.Uid, s.Gid); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
	buf := make([]byte, 100)
	if n, err := unix.Lgetxattr(dir+"/to/srv/group", "system.posix_acl_default", buf); err != nil || !bytes.Equal(buf[:n], list) {
		t.Errorf("the access list of the directory above: %v, %v", buf[:max(n, 0)], err)
	}
	must(t, os.WriteFile(dir+"/to/srv/group/f", []byte("newer\n"), 0o600))
	if err := archive.Restore(d, old.ID, "/srv/group/f", to, "/srv/group/f"); !errors.Is(err, archive.ErrThere) {
		t.Errorf("over a newer file: %v", err)
	}
	if data, err := to.ReadFile("/srv/group/f"); err != nil || string(data) != "newer\n" {
		t.Errorf("%q, %v", data, err)
	}
}
