package changes

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/review"
	"anicca/internal/root"
)

// session is what a session leaves in a root: something of everything, and something that is kept.
func session(t *testing.T, at string) {
	t.Helper()
	for p, text := range map[string]string{"etc/new": "1", "etc/issue": "changed\n", "srv/kept/x": "kept", "srv/data": "22"} {
		p = filepath.Join(at, p)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(text), 0o644))
	}
	must(t, os.Chmod(filepath.Join(at, "etc/mode"), 0o600))
	must(t, os.Remove(filepath.Join(at, "etc/gone")))
}

var left = []string{
	"/etc/gone deleted  1 5", "/etc/issue modified content 1 8", "/etc/mode modified mode 1 5", "/etc/new added  1 1", "/srv added  1 2",
}

func kept(p string) bool { return p == "/srv/kept" || p == "/anicca" || p == "/home/kept" }

func filled(t *testing.T, at string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(at, "etc"), 0o755))
	for _, n := range []string{"issue", "mode", "gone"} {
		must(t, os.WriteFile(filepath.Join(at, "etc", n), []byte("base\n"), 0o644))
	}
}

func told(t *testing.T, d *root.Disk, running string) []string {
	t.Helper()
	all, err := OfDisk(d, open(t, running), Look{Skip: kept})
	must(t, err)
	if !slices.IsSortedFunc(all, func(a, b review.Change) int { return review.Compare(a.Path, b.Path) }) {
		t.Error("not in the order of paths")
	}
	return lines(all)
}

// Before the first reset, after one, and after one to an old root: on btrfs, with a volume that is reset too.
func TestOfDiskBtrfs(t *testing.T) {
	top := disk(t, "btrfs", 256)
	tree := open(t, top)
	for _, v := range []string{"@rootfs", "@home"} {
		must(t, tree.CreateSubvolume(v))
	}
	at := filepath.Join(top, "@rootfs")
	filled(t, at)
	must(t, os.WriteFile(filepath.Join(top, "@home/cv"), []byte("base\n"), 0o644))
	d, err := root.Create(top, root.Ledger{Backend: decl.Btrfs, Root: "@rootfs", Store: "@persist", StorePath: "/persist"}, time.Now())
	must(t, err)
	defer d.Close()
	_, err = d.MakeBase([]root.Part{{Path: "/home", Volume: "@home"}}, time.Now())
	must(t, err)
	reset := func(from string) root.Made {
		t.Helper()
		made, err := d.Reset(root.Order{Now: time.Now(), From: from})
		must(t, errors.Join(err, d.Commit(time.Now())))
		return made
	}
	home := func() {
		t.Helper()
		must(t, os.MkdirAll(filepath.Join(top, "@home/kept"), 0o755))
		must(t, os.WriteFile(filepath.Join(top, "@home/cv"), []byte("longer\n"), 0o644))
	}
	want := slices.Concat(left[:4], []string{"/home/cv modified content 1 7"}, left[4:])
	session(t, at)
	home()
	equal(t, told(t, d, at), want)
	made := reset("")
	equal(t, told(t, d, at), nil)
	session(t, at)
	home()
	equal(t, told(t, d, at), want)
	reset(made.Archive)
	equal(t, told(t, d, at), want)
}

// The same where the root is an overlay over the whole disk.
func TestOfDiskOverlay(t *testing.T) {
	top := disk(t, "ext4", 64)
	filled(t, top)
	d, err := root.CreateOverlay(top, ".", root.Ledger{Store: "anicca/store", StorePath: "/persist"}, time.Now())
	must(t, err)
	defer d.Close()
	at := filepath.Join(filepath.Dir(top), "at")
	must(t, os.Mkdir(at, 0o755))
	boot := func(f func()) {
		t.Helper()
		must(t, d.MountRoot("anicca", at))
		f()
		tree := open(t, at)
		must(t, tree.Unmount(".", true))
	}
	boot(func() {
		session(t, at)
		equal(t, told(t, d, at), left)
	})
	made, err := d.Reset(root.Order{Now: time.Now()})
	must(t, errors.Join(err, d.Commit(time.Now())))
	boot(func() { equal(t, told(t, d, at), nil) })
	_, err = d.Reset(root.Order{Now: time.Now(), From: made.Archive})
	must(t, errors.Join(err, d.Commit(time.Now())))
	boot(func() { equal(t, told(t, d, at), left) })
}
