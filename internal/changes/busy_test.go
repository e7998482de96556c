package changes

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The machine goes on while it is looked at: what vanishes, moves or changes its type under the eyes of a review is no failure, and
// when it has come to rest the answer is right.
func TestBusy(t *testing.T) {
	for name, find := range map[string]Find{"btrfs": Btrfs, "overlay": Overlay, "walk": Walk} {
		t.Run(name, func(t *testing.T) {
			var base, look, at string
			if name == "btrfs" {
				top := disk(t, "btrfs", 512)
				tree := open(t, top)
				must(t, tree.CreateSubvolume("root"))
				at, base = filepath.Join(top, "root"), filepath.Join(top, "base")
				look = at
				newMess(t, 1, at, true).fill(300)
				freeze(t, tree, "base")
			} else {
				top := disk(t, "ext4", 128)
				base, look, at = filepath.Join(top, "base"), filepath.Join(top, "upper"), filepath.Join(top, "at")
				work := filepath.Join(top, "work")
				for _, d := range []string{base, look, at, work} {
					must(t, os.Mkdir(d, 0o755))
				}
				newMess(t, 1, base, false).fill(300)
				time.Sleep(20 * time.Millisecond) // the clock of files moves in ticks
				run(t, "mount", "-t", "overlay", "-o", "index=off,metacopy=off,redirect_dir=on,lowerdir="+base+",upperdir="+look+",workdir="+work, "root", at)
				t.Cleanup(func() { run(t, "umount", "-l", at) })
				if name == "walk" {
					look = at
				}
			}
			m := newMess(t, seed(t), at, name == "btrfs")
			stop, stopped := make(chan bool), make(chan bool)
			go func() {
				defer close(stopped)
				for {
					select {
					case <-stop:
						return
					default:
						m.step()
					}
				}
			}()
			was, now := open(t, base), open(t, look)
			for range 40 {
				if _, err := find(was, now, lookHere); err != nil {
					t.Error(err)
					break
				}
			}
			close(stop)
			<-stopped
			got, err := find(was, now, lookHere)
			must(t, err)
			equal(t, lines(got), expected(read(t, base), read(t, at), lookHere))
			must(t, m.tree.Close())
		})
	}
}
