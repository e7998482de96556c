package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"anicca/internal/decl"
	"anicca/internal/root"
	"anicca/internal/sys"
)

func resetsAndDrops(files, runs int) error {
	fmt.Printf("%d runs of each, in turn; medians [least]; times in ms\n\n", runs)
	if err := resets("btrfs", files, runs); err != nil {
		return err
	}
	if err := resets("ext4", files, runs); err != nil {
		return err
	}
	return drops(runs)
}

// resets measures resets of a small root, of a large one, and the least that the kernel needs for one.
func resets(fstype string, files, runs int) error {
	small, err := newMachine(fstype, 1000)
	if err != nil {
		return err
	}
	defer small.close()
	large, err := newMachine(fstype, files)
	if err != nil {
		return err
	}
	defer large.close()
	var few, many, commit, leastFew, least times
	for range runs {
		for _, m := range []struct {
			*machine
			to *times
		}{{small, &few}, {large, &many}} {
			steps, last, err := m.reset()
			if err != nil {
				return err
			}
			*m.to = append(*m.to, steps)
			commit = append(commit, last)
		}
		if fstype != "btrfs" {
			continue
		}
		for m, to := range map[*machine]*times{small: &leastFew, large: &least} {
			t, err := m.floor()
			if err != nil {
				return err
			}
			*to = append(*to, t)
		}
	}
	fmt.Printf("%s, reset of a root of %7d files  %s\n", fstype, 1000, few)
	fmt.Printf("%s, reset of a root of %7d files  %s\n", fstype, files, many)
	fmt.Printf("   grows with the files:           %.2f   (wanted: at most 1.5)\n", many.median()/few.median())
	if fstype == "btrfs" {
		fmt.Printf("   rename + snapshot, nothing else %s\n", least)
		fmt.Printf("      of %7d files            %s\n", 1000, leastFew)
		fmt.Printf("      grows with the files:        %.2f\n", least.median()/leastFew.median())
		fmt.Printf("   reset : rename + snapshot:      %.2f   (wanted: at most 1.2)\n", many.median()/least.median())
	}
	fmt.Printf("   making it last, once the root is mounted %s\n\n", commit)
	return nil
}

// machine is a disk whose root has some files.
type machine struct {
	dir, top string
	disk     *root.Disk
	files    int
	n        int
}

func newMachine(fstype string, files int) (*machine, error) {
	dir, err := os.MkdirTemp("", "anicca-bench-")
	if err != nil {
		return nil, err
	}
	m := &machine{dir: dir, top: filepath.Join(dir, "top"), files: files}
	image := filepath.Join(dir, "disk")
	args := map[string][]string{"btrfs": {"-q"}, "ext4": {"-q", "-N", strconv.Itoa(files*2 + 100000)}}[fstype]
	if err := makeDisk(image, m.top, fstype, args); err != nil {
		return nil, err
	}
	if fstype == "btrfs" {
		err = m.subvolumes()
	} else {
		err = m.directories()
	}
	if err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *machine) subvolumes() error {
	t, err := sys.OpenTree(m.top)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := t.CreateSubvolume("@rootfs"); err != nil {
		return err
	}
	if err := fill(filepath.Join(m.top, "@rootfs"), m.files); err != nil {
		return err
	}
	if err := t.Snapshot("@rootfs", "blank", true); err != nil { // of the floor
		return err
	}
	m.disk, err = root.Create(m.top, root.Ledger{Backend: decl.Btrfs, Root: "@rootfs", Store: "@persist", StorePath: "/persist"}, time.Now())
	if err == nil {
		_, err = m.disk.MakeBase(nil, time.Now())
	}
	return err
}

func (m *machine) directories() error {
	if err := os.MkdirAll(filepath.Join(m.top, "etc"), 0o755); err != nil {
		return err
	}
	var err error
	if m.disk, err = root.CreateOverlay(m.top, ".", root.Ledger{Store: "anicca/store", StorePath: "/persist"}, time.Now()); err != nil {
		return err
	}
	return fill(filepath.Join(m.top, "anicca/upper"), m.files)
}

// reset lets a session change something, resets, and returns how long the steps took, and the commit that follows later.
func (m *machine) reset() (steps, commit float64, err error) {
	if err := m.session(); err != nil {
		return 0, 0, err
	}
	made, err := m.disk.Reset(root.Order{Now: time.Now(), BootID: "bench"})
	if err != nil {
		return 0, 0, err
	}
	for _, s := range made.Steps {
		steps += s.MS
	}
	begin := time.Now()
	if err := m.disk.Commit(time.Now()); err != nil {
		return 0, 0, err
	}
	commit = ms(time.Since(begin))
	if m.disk.Backend() == decl.Btrfs {
		return steps, commit, nil
	}
	// The next root of an overlay is empty: the large one takes its place again, outside of what is measured.
	return steps, commit, m.putBack(made.Archive)
}

func (m *machine) session() error {
	m.n++
	at := filepath.Join(m.top, m.disk.Ledger().Root, fmt.Sprint("session-", m.n))
	if err := os.WriteFile(at, []byte("session\n"), 0o644); err != nil {
		return err
	}
	return settle(m.top)
}

func (m *machine) putBack(id string) error {
	old, now := filepath.Join(m.top, "anicca/archive", id), filepath.Join(m.top, "anicca/upper")
	if err := os.RemoveAll(now); err != nil {
		return err
	}
	if err := os.Rename(old, now); err != nil {
		return err
	}
	return settle(m.top)
}

func (m *machine) close() {
	if m.disk != nil {
		m.disk.Close()
	}
	unmount(m.top)
	_ = os.RemoveAll(m.dir)
}

// times are durations in ms.
type times []float64

func (t times) median() float64 {
	s := slices.Sorted(slices.Values(t))
	return s[len(s)/2]
}

func (t times) least() float64 { return slices.Min(t) }

func (t times) String() string { return fmt.Sprintf("%7.2f [%.2f]", t.median(), t.least()) }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
