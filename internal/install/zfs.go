package install

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"anicca/internal/root"
)

// zfs is what matters of a pool before a root on it is converted.
type zfs struct {
	program bool // the machine has the program zfs
	initrd  bool // the generator can make initrds that mount a root on ZFS
	pools   []root.Pool
	sets    []root.Set
}

func lookZFS(src Source, g Generator) zfs {
	anywhere := func(paths ...string) bool {
		return slices.ContainsFunc(paths, func(p string) bool { return exists(src.FS, p) })
	}
	z := zfs{
		program: anywhere("usr/sbin/zfs", "sbin/zfs", "usr/bin/zfs", "usr/local/sbin/zfs"),
		pools:   root.ReadPools(src.Pools),
		sets:    root.ReadSets(src.Datasets),
	}
	switch g {
	case InitramfsTools:
		z.initrd = anywhere("usr/share/initramfs-tools/scripts/zfs")
	case Dracut:
		found, _ := fs.Glob(src.FS, "usr/lib/dracut/modules.d/[0-9][0-9]zfs")
		z.initrd = len(found) > 0
	}
	return z
}

// set is what is known of one dataset.
func (z zfs) set(name string) root.Set {
	if i := slices.IndexFunc(z.sets, func(s root.Set) bool { return s.Name == name }); i >= 0 {
		return z.sets[i]
	}
	return root.Set{}
}

// ReadZFS asks ZFS for what [Look] cannot read as files, where the root of a machine is on it.
func ReadZFS(src *Source) error {
	device, fstype, err := RootDevice(src.FS)
	if err != nil || fstype != "zfs" || !lookZFS(*src, "").program {
		return err
	}
	if src.Pools, err = root.ListPools(); err != nil {
		return err
	}
	src.Datasets, err = root.ListSets(device)
	return err
}

func (m Machine) refuseZFS(no func(hint, format string, args ...any)) {
	if m.FSType != "zfs" {
		no("leave --backend out", "the root is %s, not zfs", m.FSType)
		return
	}
	pool, _, inside := strings.Cut(m.Device, "/")
	switch {
	case !m.ZFS.program:
		no("install it: zfsutils-linux, or zfs", "the program zfs is not there")
		return
	case !inside:
		no("move the system into a dataset, such as "+pool+"/ROOT/default, and boot with root=ZFS="+pool+"/ROOT/default",
			"the root is the top of the pool %s: there is no dataset that could be replaced", pool)
		return
	}
	switch {
	case m.Generator != InitramfsTools && m.Generator != Dracut:
		no("use initramfs-tools or dracut; others come later", "anicca cannot make a root on ZFS anew with %s yet", m.Generator)
	case !m.ZFS.initrd:
		no("install zfs-initramfs or zfs-dracut, whichever goes with it", "%s cannot make an initrd that mounts a root on ZFS", m.Generator)
	}
	for _, s := range m.ZFS.sets {
		if strings.HasPrefix(s.Name, m.Device+"/") {
			no(fmt.Sprintf("move it, such as: zfs rename -u %s %s/%s", s.Name, pool, s.Name[strings.LastIndexByte(s.Name, '/')+1:]),
				"the dataset %s lies below the root's own, and would be put away with it at the first reset", s.Name)
		}
	}
	if key, whole := m.ZFS.set(m.Device).Key, m.ZFS.set(pool).Key; key != whole {
		no("encrypt the pool from its top on, or not at all; other layouts come later",
			"the root's key is that of %s, and the pool's own is %s: what anicca makes lies elsewhere in the pool and could not be exchanged with the root", or(key, "-"), or(whole, "-"))
	}
	if at := m.ZFS.set(pool + "/anicca").Mountpoint; at != "" && at != "legacy" {
		no(fmt.Sprintf("give it another name: zfs rename %s/anicca %s/other", pool, pool), "there is a dataset %s/anicca already, mounted at %s, that anicca did not make", pool, at)
	}
	m.refuseBoot(no)
	if m.Mounted && m.StoreSub == "" {
		no("name another place with --store", "something is mounted at %s that is not a dataset of the pool %s", m.Store, pool)
	}
}

// refuseBoot looks whether the kernel command line boots the root that is running.
func (m Machine) refuseBoot(no func(hint, format string, args ...any)) {
	arg := "zfs:AUTO"
	for f := range strings.FieldsSeq(m.Cmdline) {
		if v, ok := strings.CutPrefix(f, "root="); ok {
			arg = v
		}
		if name, _, _ := strings.Cut(f, "="); name == "bootfs.rollback" {
			no("take it out, in the boot loader's configuration", "the kernel command line has %s, which rolls the root back by itself", f)
		}
	}
	if !root.IsDataset(arg) {
		arg = "ZFS=" + arg
	}
	boots, err := root.BootDataset(arg, m.ZFS.pools)
	if err == nil && boots != m.Device {
		err = fmt.Errorf("the next boot takes %s as the root, not %s", boots, m.Device)
	}
	if err != nil {
		no("write root=ZFS="+m.Device+" on the kernel command line, in the boot loader's configuration", "%v", err)
	}
}

// zfsSteps are what is done before anything can be put into the pool.
func (m Machine) zfsSteps() []Step {
	at := root.Dataset(m.Device, "anicca")
	out := []Step{{Kind: Dataset, Path: at, Arg: m.Device, Text: fmt.Sprintf("make the dataset %s, below which all lies that anicca makes", at)}}
	if m.ZFS.set(m.Device).Canmount != "noauto" {
		out = append(out, Step{
			Kind: Alone, Path: m.Device, Arg: m.Device,
			Text: fmt.Sprintf("set canmount=noauto on %s, or old roots would be mounted with it; initrds mount it all the same", m.Device),
		})
	}
	return out
}

func makeDataset(s Step) error {
	if s.Kind == Alone {
		return root.NotAlone(s.Arg)
	}
	return root.CreateDatasets(s.Arg)
}

// mountsItself reports whether ZFS mounts the store without a line in fstab.
func (m Machine) mountsItself() bool {
	if m.FSType != "zfs" || !m.Mounted {
		return false
	}
	at := m.ZFS.set(root.Dataset(m.Device, m.StoreSub)).Mountpoint
	return at != "legacy" && at != "none"
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
