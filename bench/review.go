package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"anicca/internal/changes"
	"anicca/internal/review"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// reviews measures what it costs to find the changes of a session: on btrfs, and of an overlay's root.
func reviews(files, runs int) error {
	if err := reviewBtrfs(files, runs); err != nil {
		return err
	}
	return reviewOverlay(files, runs)
}

func reviewBtrfs(files, runs int) error {
	m, err := newMachine("btrfs", files)
	if err != nil {
		return err
	}
	defer m.close()
	if _, err := m.disk.Reset(root.Order{Now: time.Now(), BootID: "bench"}); err != nil {
		return err
	}
	if err := m.disk.Commit(time.Now()); err != nil {
		return err
	}
	now, base := filepath.Join(m.top, "@rootfs"), filepath.Join(m.top, "anicca/base/1")
	if err := mutate(now, files); err != nil {
		return err
	}
	ways := []way{
		{name: "ours", cmd: itself("btrfs", base, now)},
		{name: "tree search, the least there is", cmd: itself("floor", base, now)},
		{name: "btrfs send --no-data", cmd: []string{"sh", "-c", `s=$(dirname "$1")/compared; btrfs -q subvolume snapshot -r "$1" "$s" >/dev/null && btrfs -q send --no-data -p "$0" "$s" | btrfs receive --dump >/dev/null; btrfs -q subvolume delete "$s" >/dev/null`, base, now}},
		{name: "rsync -ni", cmd: []string{"rsync", "-ni", "-rlptgoD", "--delete", base + "/", now + "/"}, few: true},
	}
	return compareWays(fmt.Sprintf("review on btrfs, %d files, 1500 changes", files), ways, runs,
		[]wanted{{1, "tree search", "ours : tree search", "at most 1.5", false}, {2, "send", "send : ours", "at least 2", true}, {3, "rsync", "rsync : ours", "at least 20", true}})
}

func reviewOverlay(files, runs int) error {
	dir, err := os.MkdirTemp("", "anicca-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	top := filepath.Join(dir, "top")
	if err := makeDisk(filepath.Join(dir, "disk"), top, "ext4", []string{"-q", "-N", fmt.Sprint(files*2 + 100000)}); err != nil {
		return err
	}
	defer unmount(top)
	base, upper, work, at := filepath.Join(top, "base"), filepath.Join(top, "upper"), filepath.Join(top, "work"), filepath.Join(top, "at")
	for _, d := range []string{base, upper, work, at} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	if err := fill(base, files); err != nil {
		return err
	}
	if err := program("mount", "-t", "overlay", "-o", "index=off,metacopy=off,redirect_dir=on,lowerdir="+base+",upperdir="+upper+",workdir="+work, "bench", at); err != nil {
		return err
	}
	err = mutate(at, files)
	unmount(at)
	if err != nil {
		return err
	}
	ways := []way{
		{name: "ours", cmd: itself("overlay", base, upper)},
		{name: "find over the upper directory", cmd: []string{"find", upper, "-newermt", "1970-01-01"}},
	}
	return compareWays(fmt.Sprintf("review of an overlay, %d files below, 1500 changes", files), ways, runs,
		[]wanted{{1, "find", "ours : find", "at most 1.5", false}})
}

type way struct {
	name string
	cmd  []string
	few  bool // it takes long
	cpu  times
	rss  int64
}

type wanted struct {
	way         int
	name, ratio string
	goal        string
	more        bool // the other way is to be the dearer one
}

func itself(how, base, now string) []string {
	return []string{"/proc/self/exe", "changes", how, base, now}
}

func compareWays(title string, ways []way, runs int, goals []wanted) error {
	for r := range runs + 1 { // the first is to warm up
		for i := range ways {
			w := &ways[i]
			if _, err := exec.LookPath(w.cmd[0]); err != nil || w.few && r > 1 {
				continue
			}
			cmd := exec.Command(w.cmd[0], w.cmd[1:]...)
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			if r > 0 {
				w.cpu = append(w.cpu, ms(time.Duration(u.Utime.Nano()+u.Stime.Nano())))
				w.rss = max(w.rss, u.Maxrss)
			}
		}
	}
	fmt.Println(title + ", warm, CPU of the whole process")
	for _, w := range ways {
		if len(w.cpu) == 0 {
			fmt.Printf("   %-32snot on this machine\n", w.name)
			continue
		}
		fmt.Printf("   %-32s%s   %d MiB\n", w.name, w.cpu, w.rss>>10)
	}
	for _, g := range goals {
		if len(ways[g.way].cpu) == 0 {
			continue
		}
		ratio := ways[0].cpu.median() / ways[g.way].cpu.median()
		if g.more {
			ratio = 1 / ratio
		}
		fmt.Printf("   %-32s%7.2f   (wanted: %s)\n", g.ratio+":", ratio, g.goal)
	}
	fmt.Println()
	return nil
}

// changesOnly finds the changes between two directories in one way, as a process of its own.
func changesOnly(args []string) error {
	if len(args) != 3 {
		return errors.New("changes HOW BASE NOW")
	}
	how, base, now := args[0], args[1], args[2]
	was, err := sys.OpenTree(base)
	if err != nil {
		return err
	}
	defer was.Close()
	is, err := sys.OpenTree(now)
	if err != nil {
		return err
	}
	defer is.Close()
	var found []review.Change
	none := func(string) bool { return false }
	switch how {
	case "floor":
		return searchFloor(was, is)
	case "btrfs":
		found, err = changes.Btrfs(was, is, none)
	case "overlay":
		found, err = changes.Overlay(was, is, none)
	}
	if n := len(found); err == nil && (n < 1450 || n > 1600) {
		err = fmt.Errorf("%d changes, not 1500", n)
	}
	return err
}

// searchFloor does what has to be asked of btrfs at least: one search for what was written since, and then, for every inode that was, itself in
// both trees, and its entries if it is a directory. It says nothing of what it finds.
func searchFloor(was, now *sys.Tree) error {
	v, err := was.Subvolume(".")
	if err != nil {
		return err
	}
	top := sys.Key{Object: sys.TopInode}
	end := sys.Key{Object: ^uint64(255), Type: 255, Offset: ^uint64(0)}
	type one struct {
		inode uint64
		dir   bool
	}
	var changed []one
	s := now.Search(4 << 20)
	for i := range s.Items(top, end, v.Transaction+1) {
		if n, ok := sys.ParseInode(i.Data); i.Type == sys.InodeItem && ok && n.Transaction > v.Transaction {
			changed = append(changed, one{i.Object, n.Mode&syscall.S_IFMT == syscall.S_IFDIR})
		}
	}
	small := []*sys.Search{was.Search(64 << 10), now.Search(64 << 10)}
	for _, c := range changed {
		for _, s := range small {
			for range s.Items(sys.Key{Object: c.inode}, sys.Key{Object: c.inode, Type: sys.XattrItem, Offset: ^uint64(0)}, 0) {
			}
			if c.dir {
				for range s.Items(sys.Key{Object: c.inode, Type: sys.DirIndex}, sys.Key{Object: c.inode, Type: sys.DirIndex, Offset: ^uint64(0)}, 0) {
				}
			}
		}
	}
	return errors.Join(s.Err(), small[0].Err(), small[1].Err())
}

// mutate is a session: 500 files grow, 250 are replaced, 250 get another mode, 200 are deleted and 300 made.
func mutate(dir string, files int) error {
	r := rand.New(rand.NewSource(42))
	done := map[int]bool{}
	pick := func() string {
		for {
			if i := r.Intn(files); !done[i] {
				done[i] = true
				return filepath.Join(dir, "data", fmt.Sprint(i/500), fmt.Sprint(i))
			}
		}
	}
	for i := range 1500 {
		p := pick()
		var err error
		switch {
		case i < 500:
			var f *os.File
			if f, err = os.OpenFile(p, os.O_WRONLY|os.O_APPEND, 0); err == nil {
				_, err = io.WriteString(f, "changed\n")
				err = errors.Join(err, f.Close())
			}
		case i < 750:
			err = errors.Join(os.WriteFile(p+".new", []byte("replaced\n"), 0o644), os.Rename(p+".new", p))
		case i < 1000:
			err = os.Chmod(p, 0o600)
		case i < 1200:
			err = os.Remove(p)
		default:
			err = os.WriteFile(p+".added", []byte("new\n"), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return settle(dir)
}
