package main

import (
	"os"

	"anicca/internal/facts"
	"anicca/internal/install"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// look lets f see the disk that roots are made on, and its newest base, where they can be read. Base is nil where there is none.
// What cannot be read is no error: whoever looks says less then.
func (g globals) look(f func(d *root.Disk, base *sys.Tree)) (done func()) {
	if g.root != "/" {
		return func() {}
	}
	table, err := sys.MountTable()
	if err != nil {
		return func() {}
	}
	defer table.Close()
	mounts, err := facts.ReadMounts(table, "")
	if err != nil {
		return func() {}
	}
	return g.lookAt(mounts, f)
}

// lookAt is look with a mount table that has been read.
func (g globals) lookAt(mounts facts.Mounts, f func(d *root.Disk, base *sys.Tree)) (done func()) {
	done = func() {}
	if g.root != "/" || os.Getuid() != 0 {
		return done
	}
	device, fstype, err := install.DeviceOf(mounts)
	if err != nil {
		return done
	}
	and := func(shut func()) {
		before := done
		done = func() { shut(); before() }
	}
	top, away, err := root.LookTop(device, fstype)
	if err != nil {
		return done
	}
	and(func() { _ = away() })
	d, err := root.Open(top)
	if err != nil {
		return done
	}
	and(func() { d.Close() })
	base, shut := openBase(d)
	and(shut)
	f(d, base)
	return done
}

// openBase opens the newest base, if there is one that can be read; else it is nil.
func openBase(d *root.Disk) (base *sys.Tree, done func()) {
	dir, shut, err := d.OpenBase()
	if err != nil {
		return nil, func() {}
	}
	if base, err = sys.OpenTree(dir); err != nil {
		return nil, func() { _ = shut() }
	}
	return base, func() { base.Close(); _ = shut() }
}
