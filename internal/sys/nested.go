package sys

import (
	"encoding/binary"
	"path"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	btrfsRootRef   = 0xd000943d
	btrfsInoLookup = 0xd000943e
)

// Nested returns the paths, below the subvolume p, of the subvolumes that lie directly in it.
// A snapshot of p has empty directories in their places. One that moves or goes meanwhile may be left out.
func (t *Tree) Nested(p string) ([]string, error) {
	s, err := t.Sub(p)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var out []string
	le := binary.LittleEndian
	for next := uint64(0); ; {
		var refs [4096]byte // struct btrfs_ioctl_get_subvol_rootref_args
		le.PutUint64(refs[0:], next)
		err := ioctl(s.fd, btrfsRootRef, unsafe.Pointer(&refs))
		if err != nil && err != unix.EOVERFLOW {
			return nil, wrap("nested subvolumes", s.Name(), err)
		}
		for i := range int(refs[4088]) {
			ref := refs[8+16*i:]
			var look [4096]byte // struct btrfs_ioctl_ino_lookup_user_args
			copy(look[0:8], ref[8:16])
			copy(look[8:16], ref[0:8])
			err := ioctl(s.fd, btrfsInoLookup, unsafe.Pointer(&look))
			if err == unix.ENOENT || err == unix.EINVAL { // it has gone, or moved to another directory, since
				continue
			}
			if err != nil {
				return nil, wrap("nested subvolumes", s.Name(), err)
			}
			out = append(out, path.Join(unix.ByteSliceToString(look[272:]), unix.ByteSliceToString(look[16:272])))
		}
		if err == nil {
			slices.Sort(out)
			return out, nil
		}
		next = le.Uint64(refs[0:]) // there are more than fit: the kernel says where to go on
	}
}
