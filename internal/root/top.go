package root

import (
	"errors"
	"os"
	"path/filepath"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// topDir is where the top level of a filesystem is mounted while anicca works on it.
const topDir = "/run/anicca/top"

// MountTop mounts the top level of a filesystem at a private place and returns that, and a function that lets go of it.
// One program at a time can have it, so that two never write one ledger.
func MountTop(device, fstype string) (dir string, done func() error, err error) {
	at, err := place(topDir)
	if err != nil {
		return "", nil, err
	}
	unlock, err := at.Lock("lock")
	if err != nil {
		at.Close()
		return "", nil, err
	}
	name := filepath.Base(topDir)
	if err := at.mount(device, name, fstype); err != nil {
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

// ShowDisk mounts the top level of a filesystem for as long as the machine runs, and returns where.
// Shutting down, systemd finds it there and takes it to its rest; the mount that an overlay holds is seen by nobody.
func ShowDisk(device, fstype string) (string, error) {
	at, err := place(decl.DiskDir)
	if err != nil {
		return "", err
	}
	defer at.Close()
	return decl.DiskDir, at.mount(device, filepath.Base(decl.DiskDir), fstype)
}

// runDir is /run/anicca.
type runDir struct{ *sys.Tree }

// place makes a directory below /run/anicca, where only root can look, as something of the machine will be mounted there.
func place(p string) (runDir, error) {
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return runDir{}, err
	}
	if err := os.Mkdir(p, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return runDir{}, err
	}
	t, err := sys.OpenTree(filepath.Dir(p))
	return runDir{t}, err
}

func (at runDir) mount(device, name, fstype string) error {
	data := ""
	if fstype == "btrfs" {
		data = "subvolid=5"
	}
	return at.Mount(device, name, fstype, []string{"nosuid", "nodev", "noexec"}, data)
}
