package changes

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
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
