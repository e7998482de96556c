package sys

import (
	"path"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// InUse returns where the object p of the tree, or anything below it, is mounted apart from the tree's own mount;
// "" if nowhere. Mounts of other namespaces are not seen.
func (t *Tree) InUse(p string) (string, error) {
	s, err := fstat(t.fd, t.name)
	if err != nil {
		return "", err
	}
	all, err := mountinfo.GetMounts(nil)
	if err != nil {
		return "", err
	}
	for _, own := range all {
		if uint64(own.ID) != s.MountID {
			continue
		}
		at := path.Join(own.Root, p)
		for _, m := range all {
			if m.Major == own.Major && m.Minor == own.Minor && (m.Root == at || strings.HasPrefix(m.Root, at+"/")) {
				return m.Mountpoint, nil
			}
		}
	}
	return "", nil
}
