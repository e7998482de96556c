package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// InitrdReset is [Reset] on the machine that is booting. Device and options are what the initrd will mount;
// where they are empty they are found out.
// It waits for the device no longer than the given time.
func InitrdReset(device, options string, wait time.Duration) error {
	if device == "" {
		device, options = rootDevice(readCmdline())
	}
	r := initrdReset(&device, options, wait)
	r.Device = device
	return r.Write(RecordPath)
}

func initrdReset(device *string, options string, wait time.Duration) *Record {
	m := Machine{Cmdline: readCmdline(), Now: time.Now(), BootID: sys.BootID(), Kernel: sys.Kernel()}
	if switchOf(m.Cmdline) == "off" {
		return Reset(m)
	}
	early := &Record{BootID: m.BootID, Kernel: m.Kernel, When: m.Now.UTC(), Switch: switchOf(m.Cmdline)}
	if prior, err := ReadRecord(RecordPath); err == nil && prior != nil && prior.BootID == m.BootID {
		return prior // only once per boot
	}
	dev, err := waitFor(*device, wait)
	if err != nil {
		return early.fail(err)
	}
	*device = dev
	top, done, err := root.MountTop(dev)
	if err != nil {
		return early.fail(fmt.Errorf("mount the top level of %s: %w", dev, err))
	}
	defer func() { _ = done() }() // what cannot be unmounted now is let go of by the end of the initrd
	found, b, err := OpenBtrfs(top)
	if errors.Is(err, fs.ErrNotExist) {
		early.Outcome, early.Why = Unset, "anicca is not set up on "+dev+": run 'anicca init'"
		sys.Say(early.Why)
		return early
	}
	if err != nil {
		return early.fail(err)
	}
	defer b.Close()
	found.Cmdline = m.Cmdline
	found.Subvol = subvolOf(options)
	r := Reset(found)
	r.Store = b.Ledger().StorePath
	return r
}

// InitrdPersist is [Persist] in the initrd, on the root mounted at dir.
func InitrdPersist(dir string) error {
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
	if err := initrdPersist(r, dir); err != nil {
		r.problem("kept state is not in place: %v", err)
	}
	return r.Write(RecordPath)
}

func initrdPersist(r *Record, dir string) error {
	if r.Device == "" {
		return errors.New("the root device is not known")
	}
	top, done, err := root.MountTop(r.Device)
	if err != nil {
		return err
	}
	defer func() { _ = done() }()
	_, b, err := OpenBtrfs(top)
	if err != nil {
		return err
	}
	defer b.Close()
	if r.Made != nil {
		if err := b.Verify(dir, *r.Made); err != nil {
			r.Outcome, r.Why = Failed, err.Error()
			r.problem("%v", err)
		} else {
			r.Verified = true
		}
	}
	store, err := openStore(path.Join(top, b.Ledger().Store))
	if err != nil {
		return err
	}
	bp, err := apply.Current(store)
	store.Close()
	if err != nil || bp == nil {
		return errors.Join(err, errors.New("no declaration was applied yet: run 'anicca apply'"))
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := t.MakeWritable(); err != nil {
		return err
	}
	if err := r.timed("stores", func() error { return mountStores(t, r.Device, bp) }); err != nil {
		return err
	}
	Persist(r, t, oldRoot(b, r), bp)
	return nil
}

// oldRoot opens the root that this boot has put away; it is nil if there is none.
func oldRoot(b *root.Btrfs, r *Record) *sys.Tree {
	if r.Made == nil || r.Made.Archive == "" {
		return nil
	}
	dir, _, err := b.OpenOld(r.Made.Archive)
	if err != nil {
		return nil
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return nil
	}
	return t
}

func mountStores(t *sys.Tree, device string, b *plan.Boot) error {
	for _, s := range b.Stores {
		if err := t.MkdirAll(s.Path, func(string) sys.Perm { return sys.Perm{Mode: 0o755} }); err != nil {
			return err
		}
		err := t.Mount(device, s.Path, "btrfs", s.Options, "subvol="+s.Subvol)
		if err != nil {
			return fmt.Errorf("store %s: %w", s.Path, err)
		}
	}
	return nil
}

// rootDevice finds out what the initrd will mount as the root:
// from the mount unit where systemd runs the initrd, else from the kernel command line.
func rootDevice(cmdline string) (device, options string) {
	if sys.Program("systemctl") != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if out, err := sys.Run(ctx, "systemctl", "show", "-p", "What", "-p", "Options", "sysroot.mount"); err == nil {
			for line := range strings.Lines(out) {
				line = strings.TrimSpace(line)
				if v, ok := strings.CutPrefix(line, "What="); ok {
					device = v
				} else if v, ok := strings.CutPrefix(line, "Options="); ok {
					options = v
				}
			}
			if device != "" && subvolOf(options) != "" {
				return device, options
			}
		}
	}
	for f := range strings.FieldsSeq(cmdline) {
		if v, ok := strings.CutPrefix(f, "root="); ok && device == "" {
			device = v
		} else if v, ok := strings.CutPrefix(f, "rootflags="); ok {
			options = v
		}
	}
	return device, options
}

// subvolOf returns the subvolume that mount options name.
func subvolOf(options string) string {
	for _, o := range strings.Split(options, ",") {
		if v, ok := strings.CutPrefix(o, "subvol="); ok {
			return strings.Trim(v, "/")
		}
	}
	return ""
}

// waitFor waits until the device of a root= value is there and returns its path.
func waitFor(device string, wait time.Duration) (string, error) {
	p := device
	for tag, dir := range map[string]string{
		"UUID=": "by-uuid", "LABEL=": "by-label", "PARTUUID=": "by-partuuid", "PARTLABEL=": "by-partlabel",
	} {
		if v, ok := strings.CutPrefix(device, tag); ok {
			p = "/dev/disk/" + dir + "/" + strings.Trim(v, `"`)
		}
	}
	if !strings.HasPrefix(p, "/dev/") {
		return "", fmt.Errorf("the root device is not known (root=%q)", device)
	}
	for end := time.Now().Add(wait); ; time.Sleep(50 * time.Millisecond) {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return real, nil
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("the root device %s did not appear within %s", p, wait)
		}
	}
}
