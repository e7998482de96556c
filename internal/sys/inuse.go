package sys

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// InUse returns where the object p of the tree, or anything below it, is mounted apart from the tree's own mount;
// "" if nowhere. It asks every mount namespace that a process is in: a container may hold what the machine itself does not.
func (t *Tree) InUse(p string) (string, error) {
	own, err := t.mount()
	if err != nil {
		return "", err
	}
	at := path.Join(own.Root, p)
	return anywhere(func(m *mountinfo.Info) bool {
		return m.Major == own.Major && m.Minor == own.Minor && (m.Root == at || strings.HasPrefix(m.Root, at+"/"))
	})
}

// DatasetInUse returns where a dataset of ZFS, or a snapshot of it, is mounted; "" if nowhere.
func DatasetInUse(name string) (string, error) {
	return anywhere(func(m *mountinfo.Info) bool {
		return m.FSType == "zfs" && (m.Source == name || strings.HasPrefix(m.Source, name+"@"))
	})
}

// anywhere looks for a mount in every namespace.
func anywhere(in func(*mountinfo.Info) bool) (string, error) {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return "", err
	}
	seen := map[string]bool{}
	for _, d := range processes {
		dir := "/proc/" + d.Name()
		ns, err := os.Readlink(dir + "/ns/mnt")
		if err != nil || seen[ns] {
			continue // not a process, or one that has ended
		}
		found, err := mountsOf(dir+"/mountinfo", in)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return "", err
		}
		seen[ns] = true
		if len(found) > 0 {
			return found[0].Mountpoint, nil
		}
	}
	return "", nil
}

func mountsOf(table string, in func(*mountinfo.Info) bool) ([]*mountinfo.Info, error) {
	f, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mountinfo.GetMountsFromReader(f, func(i *mountinfo.Info) (skip, stop bool) {
		found := in(i)
		return !found, found
	})
}

// MountedAt returns a directory that all of the filesystem from this source can be seen at, "" if there is none.
// Mounts of other namespaces are not seen.
func MountedAt(source string) (string, error) {
	found, err := mounts(func(i *mountinfo.Info) (skip, stop bool) { return i.Source != source || i.Root != "/", false })
	if err != nil {
		return "", err
	}
	for _, m := range found {
		if top, err := MountAt(m.Mountpoint); err == nil && top.ID == m.ID { // else something lies over it
			return m.Mountpoint, nil
		}
	}
	return "", nil
}
