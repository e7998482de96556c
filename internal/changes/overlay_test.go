package changes

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/review"
	"anicca/internal/sys"
)

// The same for roots that are overlays, as the kernel makes them: on a disk, and with the changes in memory.
func TestOverlayTellsTheTruth(t *testing.T) {
	for _, upper := range []string{"ext4", "tmpfs"} {
		t.Run(upper, func(t *testing.T) {
			n := seed(t)
			top := disk(t, "ext4", 512)
			base, room, at := filepath.Join(top, "base"), filepath.Join(top, "room"), filepath.Join(top, "at")
			for _, d := range []string{base, room, at} {
				must(t, os.Mkdir(d, 0o755))
			}
			if upper == "tmpfs" {
				run(t, "mount", "-t", "tmpfs", "tmpfs", room)
				t.Cleanup(func() { run(t, "umount", room) })
			}
			m := newMess(t, n, base, false)
			m.fill(500)
			for range 300 {
				m.step()
			}
			must(t, m.tree.Close())
			time.Sleep(20 * time.Millisecond) // the clock of files moves in ticks
			was, kept := read(t, base), map[string][]byte{}
			told := 0
			for boot := range 3 {
				up, work := filepath.Join(room, fmt.Sprint("upper", boot)), filepath.Join(room, fmt.Sprint("work", boot))
				must(t, os.Mkdir(up, 0o755))
				must(t, os.Mkdir(work, 0o755))
				i, err := os.Stat(base)
				must(t, err)
				must(t, os.Chmod(up, i.Mode()))
				run(t, "mount", "-t", "overlay", "-o", "index=off,metacopy=off,redirect_dir=on,lowerdir="+base+",upperdir="+up+",workdir="+work, "root", at)
				m.top, m.tree = at, open(t, at)
				for round := range 4 {
					for range 100 {
						m.step()
					}
					got, err := Overlay(open(t, base), open(t, up), lookHere)
					must(t, err)
					told += len(got)
					want := expected(was, read(t, at), lookHere)
					if !equal(t, lines(got), want) || !walksRight(t, base, at, kept, "base", want) {
						m.tree.Close()
						run(t, "umount", at)
						t.Fatal("boot ", boot, ", round ", round)
					}
				}
				must(t, m.tree.Close())
				run(t, "umount", at)
			}
			t.Logf("%d changes; done: %v", told, m.done)
		})
	}
}

// A user may have made a directory readable that was not so in the base, where no privilege helps, such as on a server.
func TestOverlayOverADirectoryThatCannotBeListed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: makes files of others")
	}
	dir := t.TempDir()
	for _, p := range []string{"base/in/old", "upper/in"} {
		must(t, os.MkdirAll(filepath.Join(dir, p), 0o755))
	}
	for _, p := range []string{"base/in/same", "base/in/less", "upper/in/less", "upper/in/new"} {
		must(t, os.WriteFile(filepath.Join(dir, p), []byte(p), 0o644))
	}
	must(t, os.Chmod(filepath.Join(dir, "base/in"), 0o711))
	base, upper := open(t, filepath.Join(dir, "base")), open(t, filepath.Join(dir, "upper"))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, unix.Setfsuid(65534))
	all, err := Overlay(base, upper, Look{})
	must(t, unix.Setfsuid(0))
	must(t, err)
	var got []string
	for _, c := range all {
		got = append(got, fmt.Sprint(c.What, " ", c.Path))
	}
	want := []string{fmt.Sprint(review.Modified, " /in"), fmt.Sprint(review.Modified, " /in/less"), fmt.Sprint(review.Added, " /in/new")}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// As deep as no path reaches, what is there is told, and an error says where it was.
func TestOverlayOfDeepDirectories(t *testing.T) {
	const levels = 1500
	dir := t.TempDir()
	deep := func(top string, fill func(last *sys.Tree)) {
		tree, err := sys.OpenTree(top)
		must(t, err)
		for range levels {
			must(t, tree.Mkdir("d", sys.Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: 0o755}))
			next, err := tree.Child("d")
			must(t, err)
			must(t, tree.Close())
			tree = next
		}
		fill(tree)
		must(t, tree.Close())
	}
	for _, p := range []string{"base", "upper"} {
		must(t, os.Mkdir(filepath.Join(dir, p), 0o755))
	}
	base, upper := open(t, filepath.Join(dir, "base")), open(t, filepath.Join(dir, "upper"))
	deep(base.Name(), func(*sys.Tree) {})
	at := strings.Repeat("/d", levels)
	deep(upper.Name(), func(last *sys.Tree) {
		for i := range 300 {
			must(t, last.CreateFile(fmt.Sprint(i), sys.Mine(0o644)))
		}
		if _, err := last.Child("none"); err == nil || !strings.Contains(err.Error(), upper.Name()+at+"/none") {
			t.Errorf("an error that does not say where: %.100v", err)
		}
	})
	all, err := Overlay(base, upper, Look{})
	must(t, err)
	if len(all) != 300 || all[0].Path != at+"/0" {
		t.Errorf("%d changes", len(all))
	}
	for _, tree := range []*sys.Tree{base, upper} { // no path is long enough for others
		must(t, tree.RemoveTree("d"))
	}
}

// Where a filesystem does not tell what it is that it lists, the same is found.
func TestOverlayWithoutTypesOfNames(t *testing.T) {
	var want []string
	for _, args := range [][]string{nil, {"-O", "^filetype"}} {
		top := nstest.Image(t, "ext4", args...)
		for _, p := range []string{"base/both/old", "base/hidden/old", "base/file", "base/moved/in", "upper/both/new", "upper/hidden/new", "upper/file/in", "upper/other", "upper/dir"} {
			must(t, os.MkdirAll(filepath.Join(top, p), 0o755))
		}
		for _, p := range []string{"base/both/same", "base/both/gone", "base/moved/a", "upper/both/more", "upper/other/more"} {
			must(t, os.WriteFile(filepath.Join(top, p), []byte(p), 0o644))
		}
		must(t, os.Remove(filepath.Join(top, "base/file")))
		must(t, os.WriteFile(filepath.Join(top, "base/file"), nil, 0o644))
		must(t, os.WriteFile(filepath.Join(top, "base/dir"), nil, 0o644))
		must(t, os.Chmod(filepath.Join(top, "upper/both"), 0o700))
		must(t, unix.Mknod(filepath.Join(top, "upper/both/gone"), unix.S_IFCHR, 0))
		must(t, unix.Mknod(filepath.Join(top, "upper/moved"), unix.S_IFCHR, 0))
		must(t, unix.Setxattr(filepath.Join(top, "upper/hidden"), "trusted.overlay.opaque", []byte("y"), 0))
		must(t, unix.Setxattr(filepath.Join(top, "upper/other"), "trusted.overlay.redirect", []byte("/moved"), 0))
		all, err := Overlay(open(t, filepath.Join(top, "base")), open(t, filepath.Join(top, "upper")), Look{})
		must(t, err)
		var got []string
		for _, c := range all {
			got = append(got, fmt.Sprint(c.What, " ", c.Path, " ", c.Files, " ", c.Differs))
		}
		if want == nil {
			want = got
		}
		if d := cmp.Diff(want, got); d != "" || len(got) < 9 {
			t.Errorf("(-with +without):\n%s%q", d, got)
		}
	}
}
