package survey

import (
	"errors"
	"io/fs"

	"anicca/internal/facts"
)

// Mount returns where the filesystem is mounted that a path lies on. What lies in memory is as good as on the root.
func (m *Machine) Mount(p string) string {
	on, _, ok := m.mounts.Place(p)
	if !ok || on.FSType == "tmpfs" || on.FSType == "ramfs" {
		return "/"
	}
	return on.Target
}

// Shows reports whether what lies at source is mounted at target, as the kept copy of an entry is.
func (m *Machine) Shows(source, target string) bool { return m.mounts.Shows(source, target) }

func mounts(src Source) (facts.Mounts, error) {
	if src.Mountinfo != nil {
		return facts.ReadMounts(src.Mountinfo, src.Prefix)
	}
	f, err := src.FS.Open("proc/self/mountinfo")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return facts.ReadMounts(f, src.Prefix)
}
