package facts

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// Mount is one line of /proc/self/mountinfo, see proc_pid_mountinfo(5).
type Mount struct {
	ID           int
	Major, Minor int
	Root         string // of the mount within its filesystem
	Target       string // where it is mounted
	FSType       string
	Source       string
	Options      []string // of the mount, not of the filesystem
	ReadOnly     bool     // one of both is
}

// Dataset returns the pool of a mount of ZFS, and the path of what is mounted in the pool; ok is false for other mounts.
// The kernel gives the name of the dataset as the source; every dataset has a device number of its own.
func (m Mount) Dataset() (pool, path string, ok bool) {
	pool, path, _ = strings.Cut(m.Source, "/")
	return pool, path, m.FSType == "zfs"
}

// Beside reports whether a mount shows the same filesystem as another, or, on ZFS, the same pool.
func (m Mount) Beside(other Mount) bool {
	pool, _, ok := m.Dataset()
	others, _, too := other.Dataset()
	if ok || too {
		return ok && too && pool == others
	}
	return m.Major == other.Major && m.Minor == other.Minor
}

// FromTop returns the path of what is mounted from the top level of its filesystem, or of its pool.
// For a directory of a dataset that is not all of it, whole is false, and the path is that of the dataset.
func (m Mount) FromTop() (p string, whole bool) {
	if _, p, ok := m.Dataset(); ok {
		return p, m.Root == "/"
	}
	return strings.Trim(m.Root, "/"), true
}

// Mounts is a mount table, in the order of mounting.
type Mounts []Mount

// ReadMounts reads a mount table. With a prefix, only mounts at and below it are returned, as seen from there:
// the machine whose root is mounted at prefix.
func ReadMounts(r io.Reader, prefix string) (Mounts, error) {
	prefix = path.Clean("/" + prefix)
	infos, err := mountinfo.GetMountsFromReader(r, nil)
	if err != nil {
		return nil, fmt.Errorf("mount table: %w", err)
	}
	var out Mounts
	for _, i := range infos {
		target := i.Mountpoint
		if prefix != "/" {
			rest, ok := strings.CutPrefix(target, prefix)
			if !ok || rest != "" && rest[0] != '/' {
				continue
			}
			target = path.Clean("/" + rest)
		}
		out = append(out, Mount{
			ID: i.ID, Major: i.Major, Minor: i.Minor,
			Root: i.Root, Target: target, FSType: i.FSType, Source: i.Source,
			Options:  strings.Split(i.Options, ","),
			ReadOnly: slices.Contains(strings.Split(i.Options+","+i.VFSOptions, ","), "ro"),
		})
	}
	return out, nil
}

// At returns the topmost mount at exactly p.
func (ms Mounts) At(p string) (Mount, bool) {
	for i := len(ms) - 1; i >= 0; i-- {
		if ms[i].Target == p {
			return ms[i], true
		}
	}
	return Mount{}, false
}

// Below returns the mounts that lie strictly below p.
func (ms Mounts) Below(p string) Mounts {
	var out Mounts
	for _, m := range ms {
		if m.Target != p && within(m.Target, p) {
			out = append(out, m)
		}
	}
	return out
}

// Place returns the mount that p lies in and the path of p within that filesystem.
func (ms Mounts) Place(p string) (Mount, string, bool) { return place(ms.At, p) }

func place(top func(string) (Mount, bool), p string) (Mount, string, bool) {
	for at := path.Clean(p); ; at = path.Dir(at) {
		if m, ok := top(at); ok {
			return m, path.Join(m.Root, strings.TrimPrefix(path.Clean(p), at)), true
		}
		if at == "/" || at == "." {
			return Mount{}, "", false
		}
	}
}

// Shows reports whether the topmost mount at target shows exactly what lies at source.
func (ms Mounts) Shows(source, target string) bool { return shows(ms.At, source, target) }

func shows(top func(string) (Mount, bool), source, target string) bool {
	t, ok := top(target)
	if !ok {
		return false
	}
	m, p, ok := place(top, source)
	return ok && m.Major == t.Major && m.Minor == t.Minor && p == t.Root
}

func within(p, dir string) bool {
	return p == dir || dir == "/" || len(p) > len(dir) && strings.HasPrefix(p, dir) && p[len(dir)] == '/'
}
