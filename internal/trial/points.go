package trial

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"anicca/internal/sys"
)

// point is a directory or file of the copy that something is mounted on.
type point struct {
	path    string
	options []string // of every mount
	kind    string   // of its filesystem
	locked  bool     // must not be written
	hidden  bool     // cannot be looked at
}

// special are not copied but made anew, or shown read-only.
var special = []string{"/proc", "/sys", "/dev"}

// pseudo filesystems hold no files, but what the kernel does.
var pseudo = []string{
	"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "mqueue",
	"nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
}

// everything is what root copies: all that is mounted and can be seen, outer before inner.
func (c *copier) everything() []point {
	return c.below("/")
}

// below are the mounts at p and below it.
func (c *copier) below(p string) []point {
	var out []point
	for _, m := range c.table {
		if !within(m.Mountpoint, p) || slices.ContainsFunc(special, func(s string) bool { return within(m.Mountpoint, s) }) {
			continue
		}
		if c.Root && m.FSType == "proc" { // such as that of a chroot: it leads to the roots of processes outside
			continue
		}
		s, err := c.real.Stat(m.Mountpoint)
		if err == nil && s.MountID != uint64(m.ID) || err != nil && !errors.Is(err, fs.ErrPermission) {
			continue // something is mounted over it, or over a directory above
		}
		every, _ := sys.SplitOptions(strings.Split(m.Options, ","))
		locked := slices.Contains(strings.Split(m.Options, ","), "ro") || slices.Contains(strings.Split(m.VFSOptions, ","), "ro")
		out = append(out, point{path: m.Mountpoint, options: every, kind: m.FSType, locked: locked, hidden: err != nil})
	}
	slices.SortFunc(out, func(a, b point) int { return strings.Compare(a.path, b.path) })
	return slices.CompactFunc(out, func(a, b point) bool { return a.path == b.path })
}

// allowed is what a user without privilege copies: the directories that were asked for, with all that is mounted in them.
// What runs is out of reach, as its sockets are in /run.
func (c *copier) allowed() []point {
	var trees, out []point
	for _, p := range append([]string{"/run"}, c.Trees...) {
		if s, err := c.real.Stat(p); err != nil || !s.IsDir() || p == "/" {
			continue
		}
		trees = append(trees, point{path: p})
	}
	slices.SortFunc(trees, func(a, b point) int { return strings.Compare(a.path, b.path) })
	for _, t := range trees {
		if slices.ContainsFunc(out, func(o point) bool { return within(t.path, o.path) && c.real.MountID(t.path) == c.real.MountID(o.path) }) {
			continue // is in what is copied already
		}
		out = slices.DeleteFunc(out, func(o point) bool { return o.path == t.path })
		out = append(out, t)
		for _, m := range c.below(t.path) {
			if m.path != t.path {
				out = append(out, m)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b point) int { return strings.Compare(a.path, b.path) })
	return slices.CompactFunc(out, func(a, b point) bool { return a.path == b.path })
}

// within reports whether p is dir or lies below it.
func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// obstacle returns why there can be no overlay over all of p: in a user namespace, a directory that somebody has mounted
// something in cannot be below one; nor may what is written to lie in it.
func (c *copier) obstacle(p string) string {
	if c.Disk && within(c.Place, p) && c.real.MountID(p) == c.real.MountID(path.Dir(c.Place)) {
		return path.Dir(c.Place) + " lies in it, which is written to"
	}
	if !c.Root {
		id := c.real.MountID(p)
		for _, m := range c.table {
			if uint64(m.Parent) == id && m.Mountpoint != p && within(m.Mountpoint, p) {
				return m.Mountpoint + " is mounted in it"
			}
		}
	}
	return ""
}
