package root

import (
	"fmt"
	"slices"
	"strings"
)

// property returns one property of a dataset, "" if there is no such dataset.
func property(dataset, name string) (string, error) {
	out, err := ZFS.Run("zfs", "get", "-Hp", "-o", "value", name, dataset)
	if err != nil && strings.Contains(out, "does not exist") { // libzfs, zfs_error_fmt of EZFS_NOENT; it has one exit status for all
		return "", nil
	}
	return strings.TrimSpace(out), err
}

// replaceable returns what is set on a dataset itself, as "name=value", if another can take its place.
func replaceable(dataset string) ([]string, error) {
	below, err := children(dataset)
	if err != nil {
		return nil, err
	}
	if len(below) > 0 {
		return nil, fmt.Errorf("the dataset %s lies below %s and would be put away with it: move it with 'zfs rename'", below[0], dataset)
	}
	out, err := ZFS.Run("zfs", "get", "-Hp", "-o", "property,value,source", "all", dataset)
	if err != nil {
		return nil, err
	}
	var own []string
	canmount, mountpoint := "", ""
	for line := range strings.Lines(out) {
		name, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		i := strings.LastIndexByte(rest, '\t') // a property of a user may hold anything
		if i < 0 {
			continue
		}
		value, source := rest[:i], rest[i+1:]
		switch name {
		case "canmount":
			canmount = value
			continue
		case "mountpoint":
			mountpoint = value
		case "keylocation": // only for what has a key of its own, which clones have not
			continue
		}
		if source == "local" || source == "received" {
			own = append(own, name+"="+value)
		}
	}
	if canmount == "on" && mountpoint != "legacy" && mountpoint != "none" {
		return nil, fmt.Errorf("%s has canmount=on, so that old ones would be mounted with it: zfs set canmount=noauto %s", dataset, dataset)
	}
	return own, nil
}

// oneKey makes sure that datasets are encrypted with the key of one, or not at all. A clone keeps the key of what it began as,
// and ZFS refuses to move it to where another is inherited: too late, when the old root has left its place.
func oneKey(dataset string, others ...string) error {
	out, err := ZFS.Run("zfs", append([]string{"get", "-Hp", "-o", "name,value", "encryptionroot", dataset}, others...)...)
	if err != nil {
		return err
	}
	keys := map[string]string{}
	for _, line := range lines(out) {
		name, key, _ := strings.Cut(line, "\t")
		keys[name] = key
	}
	for _, o := range others {
		if keys[o] != keys[dataset] {
			return fmt.Errorf("%s has the key of %s, and %s that of %s, so that they cannot change places: 'zfs change-key -i' lets a dataset inherit its key",
				dataset, keys[dataset], o, keys[o])
		}
	}
	return nil
}

// children returns the filesystems and volumes directly below a dataset.
func children(dataset string) ([]string, error) {
	out, err := ZFS.Run("zfs", "list", "-Hp", "-d", "1", "-t", "filesystem,volume", "-o", "name", dataset)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(lines(out), func(n string) bool { return n == dataset }), nil
}

// snapshot makes a snapshot of a dataset under a name, or the next that is free: an interruption may have left one,
// which is of an older moment.
func snapshot(dataset, name string) (string, error) {
	out, err := ZFS.Run("zfs", "list", "-Hp", "-d", "1", "-t", "snapshot", "-o", "name", dataset)
	if err != nil {
		return "", err
	}
	taken := lines(out)
	s := dataset + "@" + name
	for n := 2; slices.Contains(taken, s); n++ {
		s = fmt.Sprintf("%s@%s.%d", dataset, name, n)
	}
	_, err = ZFS.Run("zfs", "snapshot", s)
	return s, err
}

// rename gives a dataset another name and leaves alone what is mounted where.
func rename(from, to string) error {
	_, err := ZFS.Run("zfs", "rename", "-u", from, to)
	return err
}

func lines(out string) []string {
	var all []string
	for line := range strings.Lines(out) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			all = append(all, line)
		}
	}
	return all
}
