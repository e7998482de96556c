package root

import (
	"context"
	"errors"
	"path/filepath"

	"anicca/internal/sys"
)

// OpenZFS is how the backend zfs reaches a pool.
type OpenZFS interface {
	// Run runs zfs or zpool and returns what it printed, also if it fails.
	Run(name string, args ...string) (string, error)
	// Show shows a dataset read-only in a directory where only root can look, until the function is called.
	Show(dataset string) (dir string, done func() error, err error)
}

// ZFS is the machine's own. Tests put a simulation in its place: there is no pool without its kernel module.
var ZFS OpenZFS = programs{}

// programs are zfs and zpool, and mounts by the kernel, which asks for no mountpoint=legacy as mount(8) does.
type programs struct{}

// Run has no time limit: a kill in mid-work helps nobody, and a pool that does not answer does not let go either.
func (programs) Run(name string, args ...string) (string, error) {
	return sys.Run(context.Background(), name, args...)
}

func (programs) Show(dataset string) (string, func() error, error) {
	dir, leave, err := private()
	if err != nil {
		return "", nil, err
	}
	up, err := sys.OpenTree(filepath.Dir(dir))
	if err != nil {
		return "", nil, errors.Join(err, leave())
	}
	name := filepath.Base(dir)
	if err := show(dataset, up, name); err != nil {
		return "", nil, errors.Join(err, leave(), up.Close())
	}
	return dir, func() error { return errors.Join(up.Unmount(name, false), leave(), up.Close()) }, nil
}

// show mounts a dataset. Where it is mounted for writing already, the kernel refuses another mount that is not.
func show(dataset string, to *sys.Tree, name string) error {
	options := []string{"ro", "nosuid", "nodev"}
	at, err := sys.MountedAt(dataset)
	if err != nil {
		return err
	}
	if at == "" {
		return to.Mount(dataset, name, "zfs", options, "")
	}
	there, err := sys.OpenTree(at)
	if err != nil {
		return err
	}
	defer there.Close()
	return sys.Bind(there, ".", to, name, options)
}
