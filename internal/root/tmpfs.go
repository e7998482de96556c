package root

import (
	"errors"
	"fmt"
	"path"
	"time"

	"anicca/internal/sys"
)

// A root in memory is an overlay whose upper directory lies on a tmpfs. On the disk there is an empty one in its place;
// an orderly shutdown puts a copy of the one in memory there, so that the next reset finds it and archives it.

// ramDir is where the memory of such a root is mounted.
const ramDir = runPrivate + "/ram"

// MountRAMRoot mounts a root in memory of the given size, as tmpfs(5) takes it, at the directory dir.
func (d *Disk) MountRAMRoot(device, dir, size string) error {
	v, ok := d.kind.(directories)
	if !ok {
		return fmt.Errorf("internal error: a root of %s is not one in memory", d.kind.Name())
	}
	at, err := place(ramDir)
	if err != nil {
		return err
	}
	defer at.Close()
	data := "mode=0700"
	if size != "" {
		data += ",size=" + size
	}
	if err := at.Mount("anicca", path.Base(ramDir), "tmpfs", []string{"nosuid", "nodev"}, data); err != nil {
		return err
	}
	ram, err := sys.OpenTree(ramDir)
	if err != nil {
		return err
	}
	defer ram.Close()
	// Owner, mode and marks are those of the one on the disk, which the reset has just made.
	if err := sys.Copy(d.top, upper, ram, path.Base(upper)); err != nil {
		return err
	}
	if err := ram.Mkdir(path.Base(scratch), sys.Mine(0o700)); err != nil {
		return err
	}
	return d.mountRoot(v, device, dir, path.Join(ramDir, path.Base(upper)), path.Join(ramDir, path.Base(scratch)))
}

// OnDisk notes that a session that was to be in memory is on the disk instead: what it writes needs no saving.
func (d *Disk) OnDisk(now time.Time) error {
	if in := d.intent; in != nil && in.RAM {
		in.RAM = false
		return d.begin(in)
	}
	if !d.ledger.Running.RAM || d.ledger.Running.Saved {
		return nil
	}
	next := *d.ledger
	next.Running.Saved = true
	return d.save(next, now)
}

// SaveRAM puts a copy of the root in memory where the next reset finds it. It returns the identity of the copy.
func (d *Disk) SaveRAM(now time.Time) (string, error) {
	if err := d.settled(); err != nil {
		return "", err
	}
	ram, err := sys.OpenTree(ramDir)
	if err != nil {
		return "", err
	}
	defer ram.Close()
	// From now on, what lies there is ours to delete.
	next := *d.ledger
	next.Saving = "save-" + now.UTC().Format("20060102T150405.000Z")
	if next.Replaces, err = d.Current(); err != nil {
		return "", err
	}
	if err := d.save(next, now); err != nil {
		return "", err
	}
	work := path.Join(workDir, next.Saving)
	if err := sys.Copy(ram, path.Base(upper), d.top, work); err != nil {
		return "", err
	}
	if err := d.putSaved(now); err != nil {
		return "", err
	}
	if err := d.kind.Remove(work); err != nil {
		return "", err
	}
	next = *d.ledger
	next.Saving, next.Replaces = "", ""
	if err := d.save(next, now); err != nil {
		return "", err
	}
	return d.Current()
}

// putSaved puts the copy of a root in memory in the place of the empty one on the disk. A copy appears when it is whole.
// It may be called again after an interruption.
func (d *Disk) putSaved(now time.Time) error {
	next := *d.ledger
	there, err := d.Current()
	if err == nil && there == next.Replaces {
		err = d.kind.Exchange(path.Join(workDir, next.Saving), next.Root, "")
	}
	if err == nil {
		err = d.top.Sync()
	}
	if err != nil || !next.Running.RAM || next.Running.Saved {
		return err
	}
	next.Running.Saved = true
	return d.save(next, now)
}

// leaveSaving finishes an interrupted saving if its copy is whole, and names what is left of it among what may be dropped.
func (d *Disk) leaveSaving(now time.Time) error {
	if d.ledger.Saving == "" {
		return nil
	}
	work := path.Join(workDir, d.ledger.Saving)
	id, err := d.kind.Identity(work)
	if err == nil && id != "" && d.ledger.Replaces != "" {
		if err = d.putSaved(now); err == nil {
			id, err = d.kind.Identity(work)
		}
	}
	if err != nil {
		return err
	}
	next := *d.ledger
	if id != "" {
		next.Leftovers = append(next.Leftovers[:len(next.Leftovers):len(next.Leftovers)], Old{ID: next.Saving, UUID: id, When: now.UTC()})
	}
	next.Saving, next.Replaces = "", ""
	return d.save(next, now)
}

// RAM is how much of the memory of a root in memory is used, and how much there is, in bytes. There is none for other roots.
func RAM() (used, size uint64, err error) {
	m, err := sys.MountAt(ramDir)
	if missing(err) || err == nil && m.Mountpoint != ramDir {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	return sys.Space(ramDir)
}

// Sweep removes unfinished objects of ours that a power cut has left in our own directories.
func (d *Disk) Sweep() error {
	var errs []error
	for _, dir := range []string{anicca, workDir} {
		t, err := d.top.Sub(dir) // on ZFS it is another mount than the top level, and the one for unfinished roots is none at all
		if missing(err) {
			continue
		}
		if err != nil {
			return err
		}
		names, err := t.List(".")
		errs = append(errs, err)
		for _, n := range names {
			if sys.IsTemp(n) {
				errs = append(errs, t.RemoveTree(n))
			}
		}
		t.Close()
	}
	return errors.Join(errs...)
}
