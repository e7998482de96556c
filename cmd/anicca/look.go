package main

import (
	"os"
	"slices"

	"anicca/internal/install"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// base opens the newest base to be read; it is nil where there is none, or where it cannot be read.
func (g globals) base() (base *sys.Tree, done func()) {
	var opened []func()
	done = func() {
		for _, shut := range slices.Backward(opened) {
			shut()
		}
	}
	if g.root != "/" || os.Getuid() != 0 {
		return nil, done
	}
	device, fstype, err := install.RootDevice(os.DirFS("/"))
	if err != nil {
		return nil, done
	}
	top, away, err := root.LookTop(device, fstype)
	if err != nil {
		return nil, done
	}
	opened = append(opened, func() { _ = away() })
	d, err := root.Open(top)
	if err != nil {
		return nil, done
	}
	opened = append(opened, func() { d.Close() })
	dir, shut, err := d.OpenBase()
	if err != nil {
		return nil, done
	}
	opened = append(opened, func() { _ = shut() })
	if base, err = sys.OpenTree(dir); err != nil {
		return nil, done
	}
	opened = append(opened, func() { base.Close() })
	return base, done
}
