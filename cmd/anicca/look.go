package main

import (
	"os"

	"anicca/internal/install"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// look lets f see the disk that roots are made on, and its newest base, where they can be read. Base is nil where there is none.
// What cannot be read is no error: whoever looks says less then.
func (g globals) look(f func(d *root.Disk, base *sys.Tree)) (done func()) {
	done = func() {}
	and := func(shut func()) {
		before := done
		done = func() { shut(); before() }
	}
	if g.root != "/" || os.Getuid() != 0 {
		return done
	}
	device, fstype, err := install.RootDevice(os.DirFS("/"))
	if err != nil {
		return done
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
	var base *sys.Tree
	if dir, shut, err := d.OpenBase(); err == nil {
		and(func() { _ = shut() })
		if base, err = sys.OpenTree(dir); err == nil {
			and(func() { base.Close() })
		} else {
			base = nil
		}
	}
	f(d, base)
	return done
}
