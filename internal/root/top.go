package root

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// runPrivate is where parts of the machine's disk can be seen, by root alone.
const runPrivate = "/run/anicca/private"

// topDir is where the top level of a filesystem is mounted while anicca works on it.
const topDir = runPrivate + "/top"

// MountTop mounts the top level of a filesystem at a private place and returns that, and a function that lets go of it.
// One program at a time can have it, so that two never write one ledger.
func MountTop(device, fstype string) (dir string, done func() error, err error) {
	at, err := place(topDir)
	if err != nil {
		return "", nil, err
	}
	unlock, err := at.Lock("lock")
	if err != nil {
		at.Close()
		return "", nil, err
	}
	name := filepath.Base(topDir)
	if err = at.unmountIn(name, true); err == nil { // who had the lock before may have been killed, and a child of it may still look there
		name, err = at.mount(device, name, fstype, nil)
	}
	if err != nil {
		unlock()
		at.Close()
		return "", nil, err
	}
	return topDir, func() error {
		defer at.Close()
		defer unlock()
		if err := at.Unmount(name, false); err != nil {
			return at.Unmount(name, true)
		}
		return nil
	}, nil
}

// LookTop mounts the top level of a filesystem to be read, beside whoever works on it.
func LookTop(device, fstype string) (dir string, done func() error, err error) {
	at, err := place(runPrivate)
	if err != nil {
		return "", nil, err
	}
	cell, leave, err := at.cell(lookKind)
	if err != nil {
		at.Close()
		return "", nil, err
	}
	name, err := at.mount(device, cell, fstype, asIs(device, fstype))
	if err != nil {
		defer at.Close()
		return "", nil, errors.Join(err, at.leave(name), leave())
	}
	return at.Path(cell), func() error {
		defer at.Close()
		if err := at.Unmount(name, true); err != nil {
			return err
		}
		return errors.Join(at.leave(name), leave())
	}, nil
}

// asIs returns the options with which a filesystem that is mounted read-only stays so: else btrfs makes all of it writable, and others
// refuse.
func asIs(device, fstype string) []string {
	mounts, _ := sys.Mounts() // where it cannot be told, there is nothing that could be said
	for _, m := range mounts {
		if m.Source == device && m.FSType == fstype && strings.HasPrefix(m.VFSOptions+",", "ro,") { // fs/proc_namespace.c: it comes first
			return []string{"ro"}
		}
	}
	return nil
}

// leave removes the empty directories that something was mounted at. Nothing is removed in them: it may be mounted still.
func (at runDir) leave(name string) error {
	var err error
	for ; name != "." && err == nil; name = filepath.Dir(name) {
		if err = os.Remove(filepath.Join(at.Name(), name)); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	return err
}

// ShowDisk mounts the top level of a filesystem for as long as the machine runs, and returns where.
// Shutting down, systemd finds it there and takes it to its rest; the mount that an overlay holds is seen by nobody.
func ShowDisk(device, fstype string) (string, error) {
	at, err := place(decl.DiskDir)
	if err != nil {
		return "", err
	}
	defer at.Close()
	_, err = at.mount(device, filepath.Base(decl.DiskDir), fstype, nil)
	return decl.DiskDir, err
}

// runDir is what runPrivate names.
type runDir struct{ *sys.Tree }

// place makes a directory there, for something to be mounted at.
func place(p string) (runDir, error) {
	if err := os.MkdirAll(filepath.Dir(runPrivate), 0o755); err != nil {
		return runDir{}, err
	}
	for _, d := range []string{runPrivate, p} {
		if err := os.Mkdir(d, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return runDir{}, err
		}
	}
	t, err := sys.OpenTree(runPrivate)
	return runDir{t}, err
}

// mount mounts a top level and returns where the mount is. A pool has none that could be mounted:
// for one, it is a directory with anicca's own dataset in it.
func (at runDir) mount(device, name, fstype string, options []string) (string, error) {
	data := ""
	switch fstype {
	case "btrfs":
		data = "subvolid=5"
	case "zfs":
		name, device = filepath.Join(name, anicca), Dataset(device, anicca)
		if err := at.MkdirAll(name, func(string) sys.Perm { return sys.Mine(0o700) }); err != nil {
			return name, err
		}
	}
	err := at.Mount(device, name, fstype, options, data)
	if fstype == "zfs" && errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("there is no dataset %s: run 'anicca init': %w", device, err)
	}
	return name, err
}

// private makes a directory of its own for something that only root shall see, and removes it when that is done: an empty one. An initrd
// need not have /tmp.
func private() (dir string, done func() error, err error) {
	if sys.InUserNamespace() {
		dir, err = os.MkdirTemp("", "anicca-old-")
		return dir, func() error { return os.Remove(dir) }, err
	}
	at, err := place(runPrivate)
	if err != nil {
		return "", nil, err
	}
	name, leave, err := at.cell(oldKind)
	if err != nil {
		at.Close()
		return "", nil, err
	}
	return at.Path(name), func() error {
		defer at.Close()
		return leave()
	}, nil
}
