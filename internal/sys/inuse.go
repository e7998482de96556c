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
	in := func(m *mountinfo.Info) bool {
		return m.Major == own.Major && m.Minor == own.Minor && (m.Root == at || strings.HasPrefix(m.Root, at+"/"))
	}
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
