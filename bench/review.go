package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"anicca/internal/root"
)

// reviewOptions say what is looked through.
type reviewOptions struct {
	files, runs int
	dir         string // where the disks are kept for another time; empty for nowhere
	only        string // one of btrfs, overlay and walk; empty for all
}

// bench measures what it costs to find the changes of a session: on btrfs, of an overlay's root, and by going through both trees.
func (o reviewOptions) bench() error {
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "anicca-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.dir = dir
	}
	var errs []error
	for _, m := range []struct {
		name string
		f    func() error
	}{{"btrfs", o.btrfs}, {"overlay", o.overlay}, {"walk", o.walk}} {
		if o.only == "" || o.only == m.name {
			errs = append(errs, m.f())
		}
	}
	return errors.Join(errs...)
}

func (o reviewOptions) btrfs() error {
	top, device, err := o.disk("btrfs", func(top string) error {
		m := machine{top: top, files: o.files}
		if err := m.subvolumes(); err != nil {
			return err
		}
		defer m.disk.Close()
		if _, err := m.disk.Reset(root.Order{Now: time.Now(), BootID: "bench"}); err != nil {
			return err
		}
		if err := m.disk.Commit(time.Now()); err != nil {
			return err
		}
		return mutate(filepath.Join(top, "@rootfs"), o.files)
	})
	if err != nil {
		return err
	}
	defer unmount(top)
	now, base := filepath.Join(top, "@rootfs"), filepath.Join(top, "anicca/base/1")
	ways := []way{
		{name: "ours", cmd: itself("btrfs", base, now), cold: 200},
		{name: "tree search and look-ups alone", cmd: itself("floor", base, now)},
		{name: "btrfs send --no-data", cmd: []string{"sh", "-c", `s=$(dirname "$1")/compared; btrfs -q subvolume snapshot -r "$1" "$s" >/dev/null && btrfs -q send --no-data -p "$0" "$s" | btrfs receive --dump >/dev/null; btrfs -q subvolume delete "$s" >/dev/null`, base, now}},
		{name: "rsync -ni", cmd: []string{"rsync", "-ni", "-rlptgoD", "--delete", base + "/", now + "/"}, few: true},
	}
	return compareWays(fmt.Sprintf("review on btrfs, %d files, 1500 changes", o.files), device, ways, o.runs,
		[]wanted{{1, "tree search", "ours : tree search", "at most 1.5", false}, {2, "send", "send : ours", "at least 2", true}, {3, "rsync", "rsync : ours", "at least 20", true}})
}

func (o reviewOptions) overlay() error {
	top, device, err := o.layers()
	if err != nil {
		return err
	}
	defer unmount(top)
	base, upper := filepath.Join(top, "base"), filepath.Join(top, "upper")
	ways := []way{
		{name: "ours", cmd: itself("overlay", base, upper)},
		{name: "its system calls alone", cmd: itself("calls", base, upper)},
		{name: "find over the upper directory", cmd: []string{"find", upper, "-newermt", "1970-01-01"}},
	}
	return compareWays(fmt.Sprintf("review of an overlay, %d files below, 1500 changes", o.files), device, ways, o.runs,
		[]wanted{{1, "calls", "ours : its calls", "", false}, {2, "find", "ours : find", "at most 1.5", false}})
}

// walk goes through an overlay and what lies below it, which share inodes and times as a clone and its origin do.
func (o reviewOptions) walk() error {
	top, device, err := o.layers()
	if err != nil {
		return err
	}
	defer unmount(top)
	base, at := filepath.Join(top, "base"), filepath.Join(top, "at")
	if err := mountLayers(top); err != nil {
		return err
	}
	defer unmount(at)
	ways := []way{
		{name: "ours, knowing the base", cmd: itself("walk", base, at, filepath.Join(top, "known"))},
		{name: "ours, the first time", cmd: itself("walk", base, at)},
		{name: "find -cnewer", cmd: []string{"find", at, "-cnewer", filepath.Join(top, "stamp")}},
		{name: "rsync -ni", cmd: []string{"rsync", "-ni", "-rlptgoD", "--delete", base + "/", at + "/"}, few: true},
	}
	return compareWays(fmt.Sprintf("review by going through all, %d files, 1500 changes", o.files), device, ways, o.runs,
		[]wanted{{2, "find", "ours : find -cnewer", "at most 1.1", false}, {3, "rsync", "rsync : ours", "at least 2", true}})
}

// layers is a disk with a base, and the upper directory that a session leaves over it.
func (o reviewOptions) layers() (top, device string, err error) {
	return o.disk("ext4", func(top string) error {
		for _, d := range []string{"base", "upper", "work", "at"} {
			if err := os.Mkdir(filepath.Join(top, d), 0o755); err != nil {
				return err
			}
		}
		if err := fill(filepath.Join(top, "base"), o.files); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(top, "stamp"), nil, 0o644); err != nil {
			return err
		}
		if err := mountLayers(top); err != nil {
			return err
		}
		at := filepath.Join(top, "at")
		defer unmount(at)
		return mutate(at, o.files)
	})
}

func mountLayers(top string) error {
	at := func(n string) string { return filepath.Join(top, n) }
	return program("mount", "-t", "overlay", "-o", "index=off,metacopy=off,redirect_dir=on,lowerdir="+at("base")+",upperdir="+at("upper")+",workdir="+at("work"), "bench", at("at"))
}

// disk mounts a disk with what build puts on it, or one that was built before.
func (o reviewOptions) disk(fstype string, build func(top string) error) (top, device string, err error) {
	at := filepath.Join(o.dir, fmt.Sprint(fstype, "-", o.files))
	image, top := at+".img", at
	if _, err = os.Stat(at + ".built"); err == nil {
		err = program("mount", "-o", "loop,noatime", image, top)
	} else {
		args := map[string][]string{"btrfs": {"-q"}, "ext4": {"-q", "-N", fmt.Sprint(o.files*2 + 100000)}}[fstype]
		if err = errors.Join(os.RemoveAll(image), os.RemoveAll(top)); err == nil {
			err = makeDisk(image, top, fstype, args)
		}
		if err == nil {
			if err = build(top); err == nil {
				err = os.WriteFile(at+".built", nil, 0o644)
			} else {
				unmount(top)
			}
		}
	}
	if err == nil {
		device, err = deviceOf(top)
	}
	return top, device, err
}
