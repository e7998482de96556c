package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// network are the filesystems that wait for the network, see fstype_is_network of systemd.
var network = []string{"afs", "ceph", "cifs", "glusterfs", "gfs", "gfs2", "lustre", "ncp", "ncpfs", "nfs", "nfs4", "ocfs2", "pvfs2", "smb3", "smbfs", "sshfs", "davfs"}

// above is a filesystem that a path lies in and that neither the initrd nor root.volumes mount.
type above struct {
	at      string // its mount point; empty if there is none
	what    string // its type and device, for people
	options []string
	fstype  string
	auto    bool // it is mounted when somebody looks at it
	asleep  bool // it is not mounted, and no boot does so
}

func (a above) network() bool {
	return slices.Contains(a.options, "_netdev") || slices.Contains(network, strings.TrimPrefix(a.fstype, "fuse."))
}

// above finds the filesystem that the directory of a path lies in, in the mount table and in fstab: such a one is mounted when
// the system has booted, over whatever the initrd puts there.
func (m *maker) above(p string) above {
	for up := path.Dir(p); up != "/" && up != "."; up = path.Dir(up) {
		if slices.ContainsFunc(m.host.Root.Volumes, func(v decl.Volume) bool { return v.Path == up }) {
			return above{}
		}
		if under, ok := m.under[up]; ok { // an entry: where it lies, what is in it does
			return under
		}
		line, said := m.facts.Fstab.At(up)
		mount, mounted := m.mounts.At(up)
		switch {
		case said:
			return above{
				asleep: !mounted && slices.Contains(line.Options, "noauto"),
				at:     up, what: line.FSType + ", " + line.Device, options: line.Options, fstype: line.FSType,
				auto: slices.ContainsFunc(line.Options, func(o string) bool { return o == "x-systemd.automount" || o == "comment=systemd.automount" }),
			}
		case mounted && !m.kept(up):
			return above{at: up, what: mount.FSType + ", " + mount.Source, fstype: mount.FSType, auto: m.automounted(up)}
		}
	}
	return above{}
}

// kept reports whether a mount shows a kept copy: it is an entry that is declared no more, and gone at the next boot.
func (m *maker) kept(p string) bool {
	return slices.ContainsFunc(m.host.Stores, func(s decl.Store) bool { return m.mounts.Shows(path.Join(s.Path, p), p) })
}

func (m *maker) automounted(p string) bool {
	return slices.ContainsFunc(m.facts.Mounts, func(x facts.Mount) bool { return x.Target == p && x.FSType == "autofs" })
}

// when says by when an entry is in place, and what it has to wait for. It is not ok if that cannot be.
func (m *maker) when(e decl.Entry, s *Step) bool {
	phase := m.phases[e.Path]
	if phase != decl.PhaseEarly {
		s.Phase = phase
	}
	a := m.above(e.Path)
	if e.Kind == decl.Directory {
		m.under[e.Path] = a
	}
	if line, said := m.facts.Fstab.At(e.Path); said {
		if _, mounted := m.mounts.At(e.Path); !mounted {
			return m.conflict(e.Pos, e.Path, "undeclare it, or take the line out of /etc/fstab",
				"/etc/fstab mounts %s (%s) there, which would hide it", line.Device, line.FSType)
		}
	}
	if a.at == "" && phase == decl.PhaseInitrd && e.Preset == "" && m.away[e.Store].at != "" {
		a = m.away[e.Store]
		return m.conflict(e.Pos, e.Path, `write phase: "early" beside it`, "its store %s lies in the filesystem of %s (%s), which is mounted after the initrd", e.Store, a.at, a.what)
	}
	if a.at == "" || e.Method == decl.Carry {
		return true
	}
	no := func(hint, format string, args ...any) bool {
		return m.conflict(e.Pos, e.Path, hint, "lies on the filesystem of %s (%s), %s", a.at, a.what, fmt.Sprintf(format, args...))
	}
	switch {
	case slices.Contains(a.options, "noauto"):
		return no("take noauto out of its line in /etc/fstab", "which no boot mounts by itself: it could not be put in place there")
	case a.auto:
		return no("take x-systemd.automount out of its line in /etc/fstab", "which is mounted only when somebody looks at it: it could not be put in place before")
	case a.network() && phase != decl.PhaseLate:
		return no(`write phase: "late" beside it`, "which is mounted when there is a network: it cannot be in place earlier than that")
	case phase == decl.PhaseInitrd && e.Preset == "":
		hint := `write phase: "early" beside it`
		if b := m.host.Root.Backend; b == decl.Btrfs || b == decl.ZFS {
			hint += ", or add " + a.at + " to root.volumes if it shall be reset too"
		}
		return no(hint, "which is mounted after the initrd: it cannot be in place before the first process of the system")
	case phase == decl.PhaseInitrd:
		m.note(e, "lies on the filesystem of %s (%s), which is mounted after the initrd: it is in place from then on, and no sooner", a.at, a.what)
	}
	s.Under = a.at
	return true
}

// raise gives every kept directory the phase of the earliest entry in it: it has to be there before what lies in it.
func raise(host *decl.Host) map[string]decl.Phase {
	n := 0
	for _, s := range host.Stores {
		n += len(s.Entries)
	}
	phases, dirs := make(map[string]decl.Phase, n), make(map[string]bool, n)
	for _, s := range host.Stores {
		for _, e := range s.Entries {
			phases[e.Path] = e.Phase
			dirs[e.Path] = e.Kind == decl.Directory
		}
	}
	for _, s := range host.Stores {
		for _, e := range s.Entries {
			for up := path.Dir(e.Path); up != "/" && up != "."; up = path.Dir(up) {
				if dirs[up] && e.Phase.Before(phases[up]) {
					phases[up] = e.Phase
				}
			}
		}
	}
	for p, phase := range phases {
		if phase == "" {
			phases[p] = decl.PhaseEarly
		}
	}
	return phases
}

// late reports whether all that a store keeps has to be in place before logins only.
func (m *maker) late(s decl.Store) bool {
	return len(s.Entries) > 0 && !slices.ContainsFunc(s.Entries, func(e decl.Entry) bool { return m.phases[e.Path] != decl.PhaseLate })
}
