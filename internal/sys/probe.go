package sys

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Superblock is what a block device says of itself.
type Superblock struct {
	Type string // as mount(8) names it; empty if it is not known
	UUID string // lower-case and dashed; empty if the type has none
}

// magics are where filesystems and other formats say what they are. Sources: include/uapi/linux/magic.h and the formats' own
// headers of the kernel; LUKS: its on-disk format specification; suspend images: kernel/power/swap.c.
var magics = []struct {
	kind  string
	at    int
	magic string
	uuid  int // offset of 16 bytes; 0 for none
}{
	{"btrfs", 0x10040, "_BHRfS_M", 0x10020},
	{"ext4", 0x438, "\x53\xef", 0x468},
	{"xfs", 0, "XFSB", 32},
	{"f2fs", 0x400, "\x10\x20\xf5\xf2", 0x400 + 108},
	{"crypto_LUKS", 0, "LUKS\xba\xbe", 0},
}

// Probe reads what a block device or an image holds.
func Probe(device string) (Superblock, error) {
	f, err := os.Open(device)
	if err != nil {
		return Superblock{}, err
	}
	defer f.Close()
	buf := make([]byte, 0x11000)
	n, err := f.ReadAt(buf, 0)
	if n == 0 {
		return Superblock{}, err
	}
	buf = buf[:n]
	for _, m := range magics {
		if len(buf) < max(m.at+len(m.magic), m.uuid+16) || !bytes.HasPrefix(buf[m.at:], []byte(m.magic)) {
			continue
		}
		s := Superblock{Type: m.kind}
		if m.uuid != 0 {
			s.UUID = uuid(buf[m.uuid : m.uuid+16])
		}
		return s, nil
	}
	return Superblock{}, nil
}

// FilesystemUUID returns the UUID of the filesystem that the tree lies on. It is empty for a filesystem that has none,
// such as one in memory.
func (t *Tree) FilesystemUUID() (string, error) {
	var s unix.Statfs_t
	if err := unix.Fstatfs(t.fd, &s); err != nil {
		return "", wrap("statfs", t.Name(), err)
	}
	if uint32(s.Type) == unix.BTRFS_SUPER_MAGIC { // signed, and of 32 bits on some processors
		return t.btrfsUUID()
	}
	m, err := t.mount()
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(m.Source) || m.FSType == "overlay" {
		return "", nil
	}
	sb, err := Probe(m.Source)
	return sb.UUID, err
}

// mount returns the line of the mount table that the tree lies on.
func (t *Tree) mount() (*mountinfo.Info, error) {
	st, err := fstat(t.fd, t.Name())
	if err != nil {
		return nil, err
	}
	return mountOf(st, t.Name())
}

func mountOf(st Stat, name string) (*mountinfo.Info, error) {
	found, err := mounts(func(i *mountinfo.Info) (skip, stop bool) { return uint64(i.ID) != st.MountID, false })
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, wrap("mount table", name, fmt.Errorf("the mount %d is not in it", st.MountID))
	}
	return found[0], nil
}

// MountAt returns the mount that the directory dir is the top of, or lies in.
func MountAt(dir string) (*mountinfo.Info, error) {
	t, err := OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	return t.mount()
}

// ReadOnlyDevice reports whether a block device takes no writes.
func ReadOnlyDevice(device string) bool {
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	ro, err := unix.IoctlGetInt(fd, unix.BLKROGET)
	return err == nil && ro != 0
}

// Space returns how much of the filesystem at p is used, and how large it is, in bytes.
func Space(p string) (used, size uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(p, &s); err != nil {
		return 0, 0, wrap("statfs", p, err)
	}
	unit := uint64(s.Bsize)
	return (s.Blocks - s.Bfree) * unit, s.Blocks * unit, nil
}

// Names returns how many files the filesystem of a path has, and can have; 0 where it sets no limit.
func Names(p string) (used, all uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(p, &s); err != nil {
		return 0, 0, wrap("statfs", p, err)
	}
	return s.Files - s.Ffree, s.Files, nil
}

// hibernated are the signatures at the end of the first page of a swap device that holds the image of a hibernated system.
var hibernated = []string{"S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"}

// Hibernated reports whether there is the image of a hibernated system on a swap device, or in a swap file whose first
// page lies at the given page of the device.
func Hibernated(device string, page int64) (bool, error) {
	f, err := os.Open(device)
	if err != nil {
		return false, err
	}
	defer f.Close()
	size := int64(os.Getpagesize())
	buf := make([]byte, 10)
	if _, err := f.ReadAt(buf, page*size+size-10); err != nil {
		return false, nil // too small to hold one
	}
	for _, s := range hibernated {
		if bytes.HasPrefix(buf, []byte(s)) {
			return true, nil
		}
	}
	return false, nil
}
