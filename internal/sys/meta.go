package sys

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// copyMeta gives what is open as d the owner, attributes, mode and times of the object that h describes. It never goes by
// a name: whoever is given a directory above can replace what lies in it from then on.
// The order matters: chown clears set-id bits and capabilities, and everything touches times.
func copyMeta(h int, s Stat, d int, at string) error {
	if err := copyAccess(s, d, at); err != nil {
		return err
	}
	_, err := copyRest(h, s, d, at)
	return err
}

// copyAccess gives what is open as d an owner and a mode.
func copyAccess(s Stat, d int, at string) error {
	err := chown(d, at, int(s.Uid), int(s.Gid))
	if err == nil && s.Type() != fs.ModeSymlink {
		err = chmod(d, at, s.Perm())
	}
	return err
}

// copyRest is the end of [copyMeta]. It reports whether neither object had any attributes.
func copyRest(h int, s Stat, d int, at string) (bare bool, err error) {
	want, err := xattrs(h, at)
	if err != nil {
		return false, err
	}
	had, err := strip(d, want, at)
	if err != nil {
		return false, err
	}
	for name, value := range want {
		err := do("setxattr "+name, at, func() error { return unix.Setxattr(procPath(d), name, value, 0) })
		if errors.Is(err, unix.ENOTSUP) || strings.HasPrefix(name, "security.selinux") && err != nil {
			continue // the store's filesystem, or the running policy, has no such attribute
		}
		if err != nil {
			return false, err
		}
	}
	ts := []unix.Timespec{s.Atim, s.Mtim}
	return !had && len(want) == 0, do("utimes", at, func() error { return unix.UtimesNanoAt(d, "", ts, unix.AT_EMPTY_PATH) })
}

// strip takes away what an object got from the directory that it was made in, such as an access list, and its original has not.
// Labels are for the running policy to give. It reports whether there was anything.
func strip(d int, want map[string][]byte, at string) (had bool, err error) {
	have, err := xattrs(d, at)
	for name := range have {
		if _, ok := want[name]; ok || strings.HasPrefix(name, "security.") || err != nil {
			continue
		}
		err = do("removexattr "+name, at, func() error { return unix.Removexattr(procPath(d), name) })
	}
	return len(have) > 0, err
}
