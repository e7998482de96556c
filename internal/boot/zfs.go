package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"anicca/internal/root"
	"anicca/internal/sys"
)

// bootfs returns what dracut will mount as a root on ZFS, as root= on the kernel command line would name it:
// its zfs-env-bootfs.service has found that out, and our unit passes it on.
func bootfs() string {
	if d := os.Getenv("BOOTFS"); d != "" {
		return "ZFS=" + d
	}
	return ""
}

// zfsReset makes a fresh root on a pool that the initrd has imported, with the key of the root loaded.
func zfsReset(m Machine, r *Record, device string) *Record {
	r.FSType = "zfs"
	list, err := root.ListPools()
	if err == nil {
		r.Device, err = root.BootDataset(device, root.ReadPools(list))
	}
	if err != nil {
		return r.fail(err)
	}
	_, m.Subvol, _ = strings.Cut(r.Device, "/")
	return resetDisk(m, r)
}

// meant returns the root that the initrd shall mount when it is about to mount subvol. Nothing below anicca's own dataset is
// ever meant: an interrupted reset has left the pool's property bootfs there, which goes with a dataset that is renamed.
func meant(subvol string, d *root.Disk, r *Record) (string, error) {
	want := d.Ledger().Root
	if r.FSType != "zfs" || !strings.HasPrefix(subvol, "anicca/") {
		return subvol, nil
	}
	wrong := r.Device
	r.Device = root.Dataset(r.Device, want)
	r.note("the root is %s, not %s, which belongs to anicca: an interrupted reset has left the pool's property bootfs there", r.Device, wrong)
	return want, divert(r.Device)
}

// paramConf is read by the initrd of initramfs-tools after every script; see initramfs-tools(7).
var paramConf = "/conf/param.conf"

// divert makes the initrd mount another dataset as the root than it was about to.
func divert(dataset string) error {
	f, err := os.OpenFile(paramConf, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = fmt.Fprintf(f, "ROOT='ZFS=%s'\n", dataset)
		return errors.Join(err, f.Close())
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err = sys.Run(ctx, "systemctl", "set-environment", "BOOTFS="+dataset)
	return err
}
