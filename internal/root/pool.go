package root

import (
	"errors"
	"fmt"
	"strings"
)

// Pool is one imported pool.
type Pool struct {
	Name   string
	GUID   string
	Bootfs string // dataset that boots where the kernel command line names none; empty if that is not set
}

// ListPools returns what 'zpool list' says of the imported pools, for [ReadPools].
func ListPools() (string, error) { return ZFS.Run("zpool", "list", "-Hp", "-o", "name,guid,bootfs") }

// ReadPools reads what [ListPools] returns.
func ReadPools(list string) []Pool {
	var out []Pool
	for _, line := range lines(list) {
		if f := strings.Split(line, "\t"); len(f) == 3 {
			p := Pool{Name: f[0], GUID: f[1], Bootfs: f[2]}
			if p.Bootfs == "-" {
				p.Bootfs = ""
			}
			out = append(out, p)
		}
	}
	return out
}

// Set is one filesystem or volume of a pool.
type Set struct {
	Name       string
	Canmount   string
	Mountpoint string
	Key        string // the dataset whose key it is encrypted with; empty if it is not encrypted
}

// ListSets returns what 'zfs list' says of everything in the pool of a dataset, for [ReadSets].
func ListSets(dataset string) (string, error) {
	return ZFS.Run("zfs", "list", "-Hp", "-r", "-t", "filesystem,volume", "-o", "name,canmount,mountpoint,encryptionroot", poolOf(dataset))
}

// ReadSets reads what [ListSets] returns.
func ReadSets(list string) []Set {
	var out []Set
	for _, line := range lines(list) {
		if f := strings.Split(line, "\t"); len(f) == 4 {
			out = append(out, Set{f[0], f[1], f[2], strings.TrimPrefix(f[3], "-")})
		}
	}
	return out
}

// IsDataset reports whether root= on the kernel command line means a root on ZFS, as both dracut and initramfs-tools read it:
// contrib/dracut/90zfs/zfs-lib.sh and contrib/initramfs/scripts/zfs of OpenZFS.
func IsDataset(arg string) bool {
	return strings.HasPrefix(arg, "ZFS=") || strings.HasPrefix(arg, "zfs:") || arg == "zfs"
}

// BootDataset returns the dataset that root= means. Its pool may be named by its guid, and all of it by the property bootfs.
func BootDataset(arg string, pools []Pool) (string, error) {
	name := strings.TrimPrefix(strings.TrimPrefix(arg, "zfs:"), "ZFS=")
	if name == "" || name == "zfs" || name == "AUTO" {
		for _, p := range pools {
			if p.Bootfs != "" {
				return p.Bootfs, nil
			}
		}
		return "", errors.New("no imported pool has the property bootfs: write root=ZFS=POOL/DATASET on the kernel command line")
	}
	pool, rest, _ := strings.Cut(name, "/")
	for _, p := range pools {
		if pool == p.Name || pool == p.GUID {
			return strings.TrimSuffix(p.Name+"/"+rest, "/"), nil
		}
	}
	return "", fmt.Errorf("the pool %s is not imported", pool)
}
