package sys

import (
	"os"

	"github.com/moby/sys/mountinfo"
)

// TableRead, if set, is called whenever the mount table of this process is opened. Tests count with it: the kernel takes some
// microseconds for each line, so nothing may read it once for every entry.
var TableRead func()

// MountTable opens the mount table of this process, in the format of proc_pid_mountinfo(5).
func MountTable() (*os.File, error) {
	if TableRead != nil {
		TableRead()
	}
	return os.Open("/proc/self/mountinfo")
}

// mounts returns the lines of the mount table that pass the filter.
func mounts(filter mountinfo.FilterFunc) ([]*mountinfo.Info, error) {
	f, err := MountTable()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mountinfo.GetMountsFromReader(f, filter)
}
