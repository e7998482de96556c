package changes

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anicca/internal/review"
)

// What a user has mounted, such as sshfs, does not let root look at it, and nobody when it is broken. A review passes over it, as over all that is mounted.
func TestMountsThatCannotBeLookedAt(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts a filesystem that is served by a program")
	}
	for _, user := range []int{0, 1000} {
		t.Run(fmt.Sprint("of user ", user), func(t *testing.T) { passesOver(t, user) })
	}
}

func passesOver(t *testing.T, user int) {
	fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skip("needs /dev/fuse: ", err)
	}
	dir := t.TempDir()
	for _, p := range []string{"base/mnt", "base/old", "now/mnt"} {
		must(t, os.MkdirAll(filepath.Join(dir, p), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(dir, "now/new"), []byte("1"), 0o644))
	base, now := open(t, filepath.Join(dir, "base")), open(t, filepath.Join(dir, "now"))
	must(t, now.Mount("sshfs", "mnt", "fuse", nil, fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=0", fuse.Fd(), user)))
	t.Cleanup(func() { must(t, now.Unmount("mnt", true)) })
	fuse.Close() // whoever served it has died
	if _, err := os.Lstat(filepath.Join(dir, "now/mnt")); err == nil {
		t.Fatal("it can be looked at")
	}
	all, err := Walk(base, now, Look{})
	must(t, err)
	var got []string
	for _, c := range all {
		got = append(got, fmt.Sprint(c.What, " ", c.Path))
	}
	if d := cmp.Diff([]string{fmt.Sprint(review.Added, " /new"), fmt.Sprint(review.Deleted, " /old")}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	all, denied, err := Since(now, "/", time.Time{}, false, Look{})
	if err != nil || len(denied) > 0 || len(all) != 1 || all[0].Path != "/new" {
		t.Errorf("by the times: %v %q %v", all, denied, err)
	}
}
