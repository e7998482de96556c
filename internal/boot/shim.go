package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"anicca/internal/decl"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// newRoot is where [Shim] leaves a root that the first process shall move to.
const newRoot = "/run/anicca/root"

// Shim does in the running root, before the machine's own init, what [InitrdReset] and [InitrdPersist] do in an initrd.
// It is for machines whose initrd has no hooks, or that have none. It reports whether there is a new root to move to:
// one that is not reset, and on btrfs, stays where it is. Failed is why an earlier move did not work; empty for the first call.
func Shim(failed string) (move bool, err error) {
	if err := childOfFirst(); err != nil || sys.Container() {
		return false, err
	}
	if failed != "" {
		return false, stop(stay(errors.New(failed)))
	}
	if prior, err := ReadRecord(RecordPath); err == nil && prior != nil && prior.BootID == sys.BootID() {
		return false, nil // the initrd has hooks
	}
	if err := errors.Join(sys.MountEarly(), sys.MakePrivate(), os.MkdirAll(newRoot, 0o700)); err != nil {
		return false, err
	}
	device, err := sys.DeviceOf("/")
	if err != nil {
		return false, newRecord(Machine{BootID: sys.BootID(), Kernel: sys.Kernel(), Now: time.Now()}).fail(err).hand()
	}
	if err := InitrdReset(device, argument(readCmdline(), "rootflags"), Wait(30*time.Second)); err != nil && !errors.Is(err, ErrStop) {
		return false, err
	}
	err = persistAt("/", newRoot)
	if move, merr := sys.Mounted(newRoot); merr == nil && move {
		if cerr := sys.Carry(newRoot, sys.Early()); cerr != nil {
			return false, stop(stay(cerr))
		}
		return true, stop(err)
	}
	return false, stop(err)
}

// stop gives the console to whoever may log in if the machine shall rather stop than boot on.
func stop(err error) error {
	if errors.Is(err, ErrStop) {
		sys.Say(ErrStop.Error() + "; leave the shell to go on")
		err = errors.Join(err, sys.Shell())
	}
	return err
}

// childOfFirst makes sure that the first process waits for this one: in a running system all of it would do harm.
func childOfFirst() error {
	first, ferr := os.Stat("/proc/1/exe")
	own, oerr := os.Stat("/proc/self/exe")
	if ferr != nil || oerr != nil || !os.SameFile(first, own) || os.Getppid() != 1 {
		return errors.New("shim is for the first process only: name the program with init= on the kernel command line")
	}
	return nil
}

// enter mounts the fresh root, a subvolume, at the directory at, where the old one is mounted at dir already.
// It returns where the root of this boot is.
func enter(r *Record, d *root.Disk, dir, at string) string {
	if at == dir || r.Outcome != Done {
		return dir
	}
	t, err := sys.OpenTree(at)
	if err == nil {
		defer t.Close()
		every, _ := sys.SplitOptions(strings.Split(argument(readCmdline(), "rootflags"), ","))
		err = t.Mount(r.Device, ".", r.FSType, every, "subvol="+d.Ledger().Root)
	}
	if err != nil {
		r.stay(err)
		return dir
	}
	return at
}

// stay puts kept state in place in the root that the machine came up with, as it could not move to the new one.
func stay(why error) error {
	r, err := ReadRecord(RecordPath)
	if err != nil {
		return errors.Join(why, err)
	}
	if r == nil {
		r = newRecord(Machine{BootID: sys.BootID(), Kernel: sys.Kernel(), Now: time.Now()})
	}
	if r.Outcome == Off || r.Outcome == Unset {
		return nil
	}
	if run, err := sys.OpenTree(filepath.Dir(newRoot)); err == nil {
		_ = run.Unmount(filepath.Base(newRoot), true) // it may not be mounted
		run.Close()
	}
	r.stay(why)
	if err := stayIn(r, "/"); err != nil {
		r.problem("kept state is not in place: %v", err)
	}
	return r.hand()
}

func stayIn(r *Record, dir string) error {
	top, done, err := root.MountTop(r.Device, r.FSType)
	if err != nil {
		return err
	}
	defer func() { _ = done() }()
	d, err := root.Open(top)
	if err != nil {
		return err
	}
	defer d.Close()
	return inPlace(r, d, dir)
}

// stay notes that the root of this boot was made, and that the machine does not run on it.
func (r *Record) stay(err error) {
	err = fmt.Errorf("the machine could not move to the new root: %w", err)
	r.Made, r.Root, r.Verified = nil, "", false
	if r.overlaid() {
		r.onBase(err)
		return
	}
	r.fail(err)
}

// overlaid reports whether the root is an overlay, or may be.
func (r *Record) overlaid() bool {
	return r.FSType != "zfs" && (r.Outcome == Pending || r.FSType != "btrfs" || r.Backend != "" && r.Backend != decl.Btrfs)
}

// onBase notes that the root, an overlay, is not mounted.
func (r *Record) onBase(err error) {
	r.Outcome, r.Why, r.OnBase = Failed, err.Error(), true
	for i, p := range r.Problems {
		r.Problems[i] = strings.TrimSuffix(p, asItIs) // it was thought to be
	}
	r.problem("the root could not be mounted: %v. The base itself is booted: what is changed in this session is changed for good", err)
}
