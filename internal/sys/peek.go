package sys

import (
	"fmt"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// MountsIn returns where something is mounted at the directory dir, a clean absolute path, or below it; innermost last.
// Mounts of other namespaces are not seen.
func MountsIn(dir string) ([]string, error) {
	found, err := mounts(func(i *mountinfo.Info) (skip, stop bool) {
		return i.Mountpoint != dir && !strings.HasPrefix(i.Mountpoint, strings.TrimSuffix(dir, "/")+"/"), false
	})
	var out []string
	for _, m := range found {
		out = append(out, m.Mountpoint)
	}
	return out, err
}

// LayerInUse returns where an overlay is mounted that has a directory of this name as one of its layers; "" if nowhere.
// The mount table shows a layer as the path that it was mounted by, so name is the end of one.
func LayerInUse(name string) (string, error) {
	return anywhere(func(m *mountinfo.Info) bool {
		options := m.VFSOptions + ","
		return m.FSType == "overlay" && (strings.Contains(options, "/"+name+",") || strings.Contains(options, "/"+name+":"))
	})
}

// Device writes the numbers of a device node as "major:minor".
func (s Stat) Device() string {
	return fmt.Sprintf("%d:%d", unix.Major(s.Rdev), unix.Minor(s.Rdev))
}
