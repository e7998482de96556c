package explain

import (
	"fmt"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// inMemory are filesystems that every boot makes anew.
var inMemory = []string{"tmpfs", "devtmpfs", "proc", "sysfs", "ramfs", "devpts", "cgroup2", "securityfs", "debugfs", "tracefs", "mqueue", "hugetlbfs", "configfs", "efivarfs", "bpf", "pstore"}

// next says what happens to a path at the next boot, by what is applied: a boot reads nothing else.
func (m Machine) next(p string, e *decl.Entry, there bool) Next {
	for _, s := range m.Host.Stores {
		if p == s.Path || strings.HasPrefix(p, s.Path+"/") {
			return Next{Stays, "it lies in the store " + s.Path + ", which no boot changes"}
		}
	}
	if s := m.recorded(p); s != nil {
		why := "it is put in place from " + s.Source
		if s.Kind == plan.Carry {
			why = "it is carried over as this session leaves it, and kept as " + s.Source
			if s.OnDelete == decl.Restore {
				why += "; if this session deletes it, it is placed again"
			}
		}
		if kept, err := m.Root.Exists(s.Source); err == nil && !kept && !s.Dir {
			why = "the store does not have it yet: the next boot takes it from the root of this session, if it is there then"
		}
		if e == nil {
			why += ": it is declared no more, but the boot plan still has it; 'anicca apply' takes it out"
		}
		return Next{Kept, why}
	}
	n := m.root(p, there)
	if e != nil {
		n.Why = "its entry is not applied: run 'anicca apply'. Until then, " + n.Why
	}
	return n
}

// root is what happens to what no boot plan keeps.
func (m Machine) root(p string, there bool) Next {
	if n, ok := m.elsewhere(p); ok {
		return n
	}
	switch {
	case m.Boot == nil:
		return Next{Stays, "nothing was applied yet, so nothing is reset"}
	case m.Once == "keep":
		return Next{Stays, "'anicca next keep' was said: the next boot keeps the root"}
	case m.Boot.Reset != decl.ResetOn && m.Once == "":
		return Next{Stays, fmt.Sprintf("root.reset is %q, so the root is kept; once it is \"on\", %s", m.Boot.Reset, m.reset(p, there).Why)}
	}
	return m.reset(p, there)
}

// elsewhere answers for what does not lie in the root, or in a volume that is reset with it.
func (m Machine) elsewhere(p string) (Next, bool) {
	at, _, ok := m.Facts.Mounts.Place(p)
	if !ok || at.Target == "/" || slices.ContainsFunc(m.Host.Root.Volumes, func(v decl.Volume) bool { return v.Path == at.Target }) {
		return Next{}, false
	}
	for _, s := range m.Host.Stores {
		if m.Facts.Mounts.Shows(s.Path+at.Target, at.Target) { // an entry that is in place, and in no boot plan any more
			return Next{Gone, fmt.Sprintf("%s is kept in this session only; what is written there is in %s", at.Target, s.Path+at.Target)}, true
		}
	}
	if slices.Contains(inMemory, at.FSType) {
		return Next{Gone, fmt.Sprintf("%s is a %s, which every boot makes anew", at.Target, at.FSType)}, true
	}
	return Next{Stays, fmt.Sprintf("it lies on %s (%s), mounted at %s, which is not reset", at.Source, at.FSType, at.Target)}, true
}

// reset says what a reset does to a path of the root.
func (m Machine) reset(p string, there bool) Next {
	if m.Once == "root" {
		return Next{Returns, "the next boot begins as an old root, as 'anicca next' says; what is there now goes into the archive"}
	}
	archived := fmt.Sprintf("it goes into the archive, where at least the last %d roots and those of %d days are kept, and the root is without it",
		m.Boot.Archive.Count, m.Boot.Archive.Days)
	_, inVolume := m.volume(p)
	if m.Base == nil || inVolume {
		if !there {
			return Next{Missing, "nothing lies there; it comes back if the base has it"}
		}
		return Next{Returns, "it becomes as the base has it, or is gone if the base has none; what is there now goes into the archive"}
	}
	base, err := m.Base.Exists(p)
	base = base && err == nil
	switch {
	case !there && !base:
		return Next{Missing, "nothing lies there, and the base has nothing either"}
	case !there:
		return Next{Returns, "it is gone now, and comes back: the base has it"}
	case !base:
		return Next{Archived, archived}
	}
	s, err := m.Root.Stat(p)
	if err == nil && s.IsDir() {
		return Next{Returns, "the base has this directory: what was changed in it, and is not kept, goes into the archive"}
	}
	if diff, err := sys.Compare(m.Base, p, m.Root, p, 10); err == nil && !slices.ContainsFunc(diff, func(d sys.Difference) bool { return d.What != sys.TimeDiffers }) {
		return Next{Base, "it is as the base has it, and comes back so"}
	}
	return Next{Returns, "it was changed since the boot, and becomes as the base has it; what is there now goes into the archive"}
}

func (m Machine) volume(p string) (decl.Volume, bool) {
	for _, v := range m.Host.Root.Volumes {
		if p == v.Path || strings.HasPrefix(p, v.Path+"/") {
			return v, true
		}
	}
	return decl.Volume{}, false
}
