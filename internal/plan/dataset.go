package plan

import (
	"fmt"
	"slices"
	"strings"

	"anicca/internal/facts"
)

// taken says why the dataset of a mount cannot take turns with others, and what to do about that.
func (m *maker) taken(at facts.Mount) (why, hint string) {
	if x, ok := m.below(at); ok {
		return fmt.Sprintf("the dataset %s, mounted at %s, lies below %s and would be put away with it", x.Source, x.Target, at.Source),
			"move it with 'zfs rename', or leave this out"
	}
	if line, ok := m.facts.Fstab.At(at.Target); !ok || line.Device != at.Source {
		return "ZFS mounts it by itself, and would mount old ones with it",
			"add '" + at.Source + " " + at.Target + " zfs defaults 0 0' to /etc/fstab, and 'zfs set mountpoint=legacy " + at.Source + "'"
	}
	return "", ""
}

// below returns the mount of a dataset that lies below the one of another mount.
func (m *maker) below(at facts.Mount) (facts.Mount, bool) {
	i := slices.IndexFunc(m.facts.Mounts, func(x facts.Mount) bool {
		return at.FSType == "zfs" && x.FSType == "zfs" && strings.HasPrefix(x.Source, at.Source+"/")
	})
	if i < 0 {
		return facts.Mount{}, false
	}
	return m.facts.Mounts[i], true
}
