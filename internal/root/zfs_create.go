package root

import (
	"fmt"
	"path"
	"strings"
)

// CreateDatasets makes the dataset below which everything of anicca lies, in the pool of the root's dataset.
// It may be called again after an interruption.
func CreateDatasets(root string) error {
	at := path.Join(poolOf(root), anicca)
	mountpoint, err := property(at, "mountpoint")
	if err != nil {
		return err
	}
	switch mountpoint {
	case "legacy":
		return nil
	case "":
		// Programs that make snapshots by themselves shall leave bases and old roots alone.
		_, err = ZFS.Run("zfs", "create", "-o", "mountpoint=legacy", "-o", "canmount=noauto", "-o", "com.sun:auto-snapshot=false", at)
		return err
	}
	return fmt.Errorf("there is a dataset %s already that anicca did not make (mountpoint=%s): give it another name with 'zfs rename'", at, mountpoint)
}

// NotAlone makes sure that nobody mounts the dataset of a root by itself, because old roots would be mounted with it.
// Initrds mount the root all the same.
func NotAlone(root string) error {
	_, err := ZFS.Run("zfs", "set", "canmount=noauto", root)
	return err
}

// CreateStore makes the dataset of a store, at p from the top level, in the pool of the root's dataset.
// It takes access control lists, which kept files may have. One that is there is used as it is.
func CreateStore(root, p string) error {
	at := path.Join(poolOf(root), p)
	id, err := property(at, "guid")
	if err != nil || id != "" {
		return err
	}
	_, err = ZFS.Run("zfs", "create", "-o", "mountpoint=legacy", "-o", "acltype=posixacl", "-o", "xattr=sa", at)
	return err
}

// container makes a dataset that only holds others.
func (v *datasets) container(p string) error {
	if id, err := v.Identity(p); err != nil || id != "" {
		return err
	}
	_, err := ZFS.Run("zfs", "create", "-o", "canmount=off", "-o", "mountpoint=legacy", v.at(p))
	return err
}

// Dataset is the name of what lies at p, from the top level, in the pool of another dataset.
func Dataset(other, p string) string { return path.Join(poolOf(other), p) }

func poolOf(dataset string) string {
	pool, _, _ := strings.Cut(dataset, "/")
	return pool
}
