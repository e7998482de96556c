package install

import (
	"errors"
	"io/fs"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// RootDevice returns the device, and the type of the filesystem on it, that the root of a running machine is made on.
func RootDevice(fsys fs.FS) (device, fstype string, err error) {
	table, err := fsys.Open("proc/self/mountinfo")
	if err != nil {
		return "", "", err
	}
	defer table.Close()
	mounts, err := facts.ReadMounts(table, "")
	if err != nil {
		return "", "", err
	}
	return DeviceOf(mounts)
}

// DeviceOf is [RootDevice] for a mount table that has been read.
func DeviceOf(mounts facts.Mounts) (device, fstype string, err error) {
	root, ok := mounts.At("/")
	if ok && root.FSType == "overlay" {
		root, ok = mounts.At(decl.DiskDir)
	}
	if !ok {
		return "", "", errors.New("anicca is not set up on this machine: run 'anicca init'")
	}
	return root.Source, root.FSType, nil
}
