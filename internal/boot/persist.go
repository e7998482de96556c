package boot

import (
	"errors"
	"fmt"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// InitrdPersist is what follows [InitrdReset] when the root is mounted at dir, before switch-root: it makes and mounts a root
// that is an overlay, makes sure that the mounted root is the one that was made, makes the reset last,
// and puts kept state in place.
func InitrdPersist(dir string) error { return persistAt(dir, dir) }

// persistAt does so where the root's filesystem is mounted at dir, and a root that is not mounted yet shall be at the
// directory at.
func persistAt(dir, at string) error {
	r, err := ReadRecord(RecordPath)
	if err != nil {
		return err
	}
	if r == nil {
		r = &Record{BootID: sys.BootID(), Kernel: sys.Kernel(), When: time.Now().UTC()}
		r.fail(errors.New("the initrd did not run the reset: rebuild it, as 'anicca init' does"))
	}
	if r.Outcome == Off || r.Outcome == Unset {
		return nil
	}
	if r, err = initrdPersist(r, dir, at); err != nil {
		r.problem("kept state is not in place: %v", err)
	}
	return r.hand()
}

func initrdPersist(r *Record, dir, at string) (*Record, error) {
	m, err := sys.MountAt(dir)
	if err == nil && r.Device == "" { // the reset did not come as far
		r.FSType = ""
		r.Device, err = sys.DeviceOf(dir)
	}
	if err != nil {
		return r, err
	}
	if r.FSType == "" || r.FSType == "ext4" { // older kinds of it look the same on the disk, and none can be mounted as another
		r.FSType = m.FSType
	}
	under, err := sys.OpenTree(dir)
	if err != nil {
		return r, err
	}
	err = under.MakeWritable()
	under.Close()
	if err != nil {
		return r, err
	}
	if r.overlaid() {
		return persistOverlay(r, dir, at)
	}
	top, done, err := root.MountTop(r.Device, r.FSType)
	if err != nil {
		return r, err
	}
	defer func() { _ = done() }()
	d, err := root.Open(top)
	if err != nil {
		return r, err
	}
	defer d.Close()
	return r, inPlace(r, d, enter(r, d, dir, at))
}

// inPlace finishes a boot whose root is mounted at dir.
func inPlace(r *Record, d *root.Disk, dir string) error {
	r.at = dir
	r.verify(d.Check(dir, r.Made))
	if err := r.timed("commit", func() error { return d.Commit(time.Now()) }); err != nil {
		r.problem("the reset is not recorded, and will be at the next boot: %v", err)
	}
	r.StorePath = d.Ledger().StorePath
	store, done, err := openStore(d, d.Ledger().Store)
	if err != nil {
		return err
	}
	b, err := apply.Current(store)
	last, berr := readBooted(store)
	done()
	if err = errors.Join(err, berr); err != nil || b == nil {
		return errors.Join(err, errors.New("no declaration was applied yet: run 'anicca apply'"))
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	mountVolumes(r, t, b)
	if err := r.timed("mount stores", func() error { return mountStores(r, t, d, b) }); err != nil {
		return err
	}
	Persist(r, d, t, b, last)
	return nil
}

// verify notes whether the mounted root is the one that this boot made.
func (r *Record) verify(err error) {
	if r.Made == nil {
		return
	}
	if r.Verified = err == nil; err != nil {
		r.Outcome, r.Why, r.Root = Failed, err.Error(), "" // nobody knows which root it is
		r.problem("%v", err)
	}
}

// mountVolumes mounts the volumes that are reset with the root, so that entries can lie in them.
// Later, the booted system finds them mounted. One that fails is said, and left to it.
func mountVolumes(r *Record, t *sys.Tree, b *plan.Boot) {
	for _, v := range b.Volumes {
		err := t.MkdirAll(v.Path, func(string) sys.Perm { return sys.Mine(0o755) })
		if err == nil {
			err = mountPart(r, t, v.Path, v.Subvol, v.Options)
		}
		if err != nil {
			r.problem("%s is not mounted before what is kept in it: %v", v.Path, err)
		}
	}
}

// mountPart mounts a part of the root's filesystem, a subvolume or a dataset.
func mountPart(r *Record, t *sys.Tree, at, sub string, options []string) error {
	if r.FSType == "zfs" {
		return t.Mount(root.Dataset(r.Device, sub), at, r.FSType, options, "")
	}
	return t.Mount(r.Device, at, r.FSType, options, "subvol="+sub)
}

// mountStores mounts the stores in the root. Only the one with the boot plan itself is needed to go on.
func mountStores(r *Record, t *sys.Tree, d *root.Disk, b *plan.Boot) error {
	for i, s := range b.Stores {
		if i > 0 && b.Left(s) {
			r.Left, r.Absent = append(r.Left, s.Path), append(r.Absent, s.Path)
			if s.Under == "" { // whoever mounts it finds the directory
				if err := mountPoint(t, s); err != nil {
					r.note("%v", err)
				}
			}
			continue
		}
		err := mountStore(r, t, d, s)
		if err != nil && i == 0 {
			return fmt.Errorf("store %s: %w", s.Path, err)
		}
		if err != nil {
			r.absent(s, err)
		}
	}
	return nil
}

func mountPoint(t *sys.Tree, s plan.BootStore) error {
	return t.MkdirAll(s.Path, func(string) sys.Perm { return sys.Mine(0o755) })
}

func mountStore(r *Record, t *sys.Tree, d *root.Disk, s plan.BootStore) error {
	if err := mountPoint(t, s); err != nil {
		return err
	}
	if s.Device != "" {
		dev, err := waitFor(s.Device, time.Duration(r.Wait*float64(time.Second)))
		if err != nil {
			return err
		}
		every, data := sys.SplitOptions(s.Options)
		return t.Mount(dev, s.Path, s.FSType, every, data)
	}
	if b := d.Backend(); b == decl.Btrfs || b == decl.ZFS {
		return mountPart(r, t, s.Path, s.Subvol, s.Options)
	}
	top, err := sys.OpenTree(d.Top())
	if err != nil {
		return err
	}
	defer top.Close()
	return sys.Bind(top, s.Subvol, t, s.Path, s.Options)
}
