package root

import (
	"errors"
	"os"
	"path/filepath"

	"anicca/internal/sys"
)

// topDir is where the top level of a filesystem is mounted while anicca works on it. Only root can look into it.
const topDir = "/run/anicca/top"

// MountTop mounts the top level of a btrfs device at a private place and returns that, and a function that lets go of it.
// One program at a time can have it, so that two never write one ledger.
func MountTop(device string) (dir string, done func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(topDir), 0o755); err != nil {
		return "", nil, err
	}
	if err := os.Mkdir(topDir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", nil, err
	}
	at, err := sys.OpenTree(filepath.Dir(topDir))
	if err != nil {
		return "", nil, err
	}
	name := filepath.Base(topDir)
	unlock, err := at.Lock("lock")
	if err != nil {
		at.Close()
		return "", nil, err
	}
	if err := at.Mount(device, name, "btrfs", []string{"nosuid", "nodev", "noexec"}, "subvolid=5"); err != nil {
		unlock()
		at.Close()
		return "", nil, err
	}
	return topDir, func() error {
		defer at.Close()
		defer unlock()
		if err := at.Unmount(name, false); err != nil {
			return at.Unmount(name, true)
		}
		return nil
	}, nil
}
