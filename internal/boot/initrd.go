package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// ErrStop says that the machine shall rather stop here than boot on: the declaration says root.strict.
var ErrStop = errors.New("root.strict is declared: the boot stops here")

// InitrdReset is [Reset] on the machine that is booting, before its root is mounted. Device and options are what the initrd
// will mount; where they are empty they are found out. It waits for the device no longer than the given time.
//
// Roots that are not subvolumes need nothing before the root is mounted; for them [InitrdPersist] does everything.
func InitrdReset(device, options string, wait time.Duration) error {
	cmdline := readCmdline()
	if device == "" {
		device, options = rootDevice(cmdline)
	}
	if prior, err := ReadRecord(RecordPath); err == nil && prior != nil && prior.BootID == sys.BootID() {
		return nil // only once per boot
	}
	m := Machine{Cmdline: cmdline, Subvol: subvolOf(options), Kernel: sys.Kernel(), Now: time.Now(), BootID: sys.BootID()}
	m.Present = func(s plan.BootStore) error { _, err := waitFor(s.Device, wait); return err }
	r := newRecord(m)
	r.Wait = wait.Seconds()
	r = initrdReset(m, r, device, wait)
	return r.hand()
}

func initrdReset(m Machine, r *Record, device string, wait time.Duration) *Record {
	s, _ := readSwitches(m.Cmdline)
	r.Switch = s.text()
	if s.what == "off" {
		return r.off("anicca=off is on the kernel command line")
	}
	if crashKernel(m.Cmdline) {
		return r.off("this is a crash kernel, which saves the memory of another one")
	}
	// Before anything is mounted: a filesystem that a hibernated system has in use must stay as that system left it.
	if at := hibernated(m.Cmdline); at != "" {
		return r.refuse("there is the image of a hibernated system on "+at,
			"If it should have been resumed, reboot and see to it; if it is not wanted any more: mkswap "+at)
	}
	if root.IsDataset(device) {
		return zfsReset(m, r, device)
	}
	dev, err := waitFor(device, wait)
	if err != nil {
		return r.fail(err)
	}
	r.Device = dev
	sb, err := sys.Probe(dev)
	if err != nil {
		return r.fail(err)
	}
	r.FSType = sb.Type
	if sys.ReadOnlyDevice(dev) {
		return r.fail(fmt.Errorf("the device %s takes no writes", dev))
	}
	if sb.Type != "btrfs" {
		r.Outcome, r.Why = Pending, "the root is not mounted yet"
		return r
	}
	if err := sys.BtrfsReady(dev, wait); err != nil {
		return r.fail(err)
	}
	return resetDisk(m, r)
}

// resetDisk resets the root that lies on the record's device.
func resetDisk(m Machine, r *Record) *Record {
	top, done, err := root.MountTop(r.Device, r.FSType)
	if r.FSType == "zfs" && errors.Is(err, fs.ErrNotExist) {
		return r.unset()
	}
	if err != nil {
		return r.fail(fmt.Errorf("mount the top level of %s: %w", r.Device, err))
	}
	d, err := openDisk(top, &m, r)
	switch {
	case err != nil:
	case r.FSType == "btrfs" && d.Backend() != decl.Btrfs:
		r.Outcome, r.Why = Pending, "the root is not mounted yet"
		err = d.Close()
	default:
		m.Disk = d
		if m.Subvol, err = meant(m.Subvol, d, r); err == nil {
			r = withDevice(Reset(m), r)
		}
		err = errors.Join(err, d.Close())
	}
	if errors.Is(err, fs.ErrNotExist) {
		r, err = r.unset(), nil
	}
	// The end of the last mount commits the filesystem.
	_ = r.timed("unmount", done) // what cannot be unmounted now is let go of by the end of the initrd
	if err != nil {
		return r.fail(err)
	}
	return r
}

// unset is the record of a boot on a disk that anicca was never set up on.
func (r *Record) unset() *Record {
	r.Outcome, r.Why = Unset, "anicca is not set up on "+r.Device+": run 'anicca init'"
	sys.Say(r.Why)
	return r
}

// withDevice carries over what was found out before the disk was opened.
func withDevice(r, early *Record) *Record {
	r.Device, r.FSType, r.Wait = early.Device, early.FSType, early.Wait
	r.Problems = append(early.Problems, r.Problems...)
	r.Notes = append(early.Notes, r.Notes...)
	r.Recovered = append(early.Recovered, r.Recovered...)
	return r
}

// openDisk opens the disk and rebuilds its ledger if that cannot be read; then the root is kept in this boot.
func openDisk(top string, m *Machine, r *Record) (*root.Disk, error) {
	d, err := root.Open(top)
	if !errors.Is(err, root.ErrDamaged) {
		return d, err
	}
	kind := decl.Btrfs
	if r.FSType == "zfs" {
		kind = decl.ZFS
	}
	said, rerr := root.Rebuild(top, kind, m.Subvol, m.Now)
	if rerr != nil {
		return nil, errors.Join(err, rerr)
	}
	for _, s := range said {
		r.problem("%s", s)
	}
	m.Keep = "the ledger was damaged and has been rebuilt"
	return root.Open(top)
}

// hand writes the record for the next part of the boot, and fails if the machine shall stop.
func (r *Record) hand() error {
	err := r.Write(RecordPath)
	if r.Strict && r.grave() {
		err = errors.Join(err, ErrStop)
	}
	return err
}
