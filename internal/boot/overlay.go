package boot

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// persistOverlay makes the root of an overlay and mounts it at the directory at. That may be over dir, where the base is mounted.
// All of the reset is done here, when the filesystem has been checked and is mounted.
func persistOverlay(r *Record, dir, at string) (*Record, error) {
	top, err := root.ShowDisk(r.Device, r.FSType)
	if err != nil {
		r.onBase(err)
		return r, err
	}
	m := Machine{Cmdline: readCmdline(), Kernel: r.Kernel, Now: time.Now(), BootID: r.BootID}
	wait := time.Duration(r.Wait * float64(time.Second))
	m.Present = func(s plan.BootStore) error { _, err := waitFor(s.Device, wait); return err }
	m.Disk, err = openDisk(top, &m, r)
	if errors.Is(err, fs.ErrNotExist) {
		return r.unset(), nil
	}
	if err != nil {
		r.onBase(err)
		return r, err
	}
	d := m.Disk
	defer d.Close()
	if r.Outcome == Pending {
		r = withDevice(Reset(m), r)
		_ = r.timed("commit", func() error { return d.Commit(time.Now()) }) // else it is tried again, and said
	} else if err := recoverFrom(m, r); err != nil {
		r.problem("%v", err)
	}
	if err := r.timed("mount root", func() error { return mountRoot(r, d, at) }); err != nil {
		r.onBase(err)
		return r, inPlace(r, d, dir)
	}
	if err := passThrough(top, at, d); err != nil {
		r.problem("%v", err)
	}
	return r, inPlace(r, d, at)
}

// mountRoot mounts the root in memory where it was reset and that is declared, else from the disk.
func mountRoot(r *Record, d *root.Disk, dir string) error {
	if r.RAM && r.Outcome == Done {
		err := d.MountRAMRoot(r.Device, dir, r.Size)
		if err == nil {
			return nil
		}
		r.problem("the root cannot be in memory, so this session is on the disk: %v", err)
	}
	l := d.Ledger()
	r.lost = r.Made == nil && l.Running.RAM && !l.Running.Saved
	r.RAM = false
	if err := d.OnDisk(time.Now()); err != nil {
		r.problem("%v", err)
	}
	return d.MountRoot(r.Device, dir)
}

// passThrough shows parts of the base itself in the root that lies over it: what the boot loader reads,
// which has to be written where it looks, and swap files, which an overlay cannot be the home of.
func passThrough(top, dir string, d *root.Disk) error {
	if !d.Whole() {
		return nil
	}
	base, err := sys.OpenTree(top)
	if err != nil {
		return err
	}
	defer base.Close()
	t, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	fstab, err := t.ReadFile("/etc/fstab")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, p := range append([]string{"/boot"}, swapFiles(string(fstab))...) {
		if there, err := base.Exists(p); err != nil || !there {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, sys.Bind(base, p, t, p, nil))
	}
	return errors.Join(errs...)
}

// swapFiles returns the swap files of an fstab.
func swapFiles(fstab string) []string {
	var out []string
	for line := range strings.Lines(fstab) {
		f := strings.Fields(line)
		if len(f) > 2 && f[2] == "swap" && strings.HasPrefix(f[0], "/") && !strings.HasPrefix(f[0], "/dev/") {
			out = append(out, f[0])
		}
	}
	return out
}
