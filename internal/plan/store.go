package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// backend checks that the declared backend fits what the root is.
func (m *maker) backend() bool {
	if len(m.host.Stores) == 0 {
		return true
	}
	r := m.host.Root
	root, ok := m.mounts.At("/")
	if !ok {
		return m.conflict(r.Pos, "/", "is /proc mounted?", "no root filesystem is in the mount table")
	}
	wrong := func() bool {
		return m.conflict(r.Pos, "/", "write the backend that fits this machine, as 'anicca init' would",
			"root.backend is %q, but the root of this machine is %s", r.Backend, root.FSType)
	}
	switch r.Backend {
	case decl.Overlay, decl.Tmpfs:
		if root.FSType == "overlay" {
			return true
		}
		if !m.facts.Objects[decl.LedgerFile].Exists {
			return wrong()
		}
		m.plan.Notes = append(m.plan.Notes, Note{Why: r.Pos, Path: "/", Msg: "becomes an overlay at the next boot: what the root is until then becomes base 1"})
		return true
	}
	if root.FSType != string(r.Backend) {
		return wrong()
	}
	if below, ok := m.below(root); ok {
		m.plan.Notes = append(m.plan.Notes, Note{Why: r.Pos, Path: below.Target, Msg: fmt.Sprintf(
			"is the dataset %s, which lies below the root's own: no boot resets the root before it is moved with 'zfs rename'", below.Source)})
	}
	return true
}

// stores checks every store, and returns those that can be used, the one with anicca's own records first, with their entries.
// What is recorded of others, and of what they are to keep, stays as it is, and nothing is done to it. Without the first, nothing is.
func (m *maker) stores() (at []BootStore, entries []decl.Entry, kept []Step) {
	main, _ := m.facts.MainStore(m.host)
	var left []decl.Store
	for _, s := range m.host.Stores {
		b, ok := m.absent(s)
		usable := false
		if !ok {
			b, usable = m.store(s, s.Path == main.Path)
			ok = usable
		}
		if !ok && s.Path != main.Path {
			b, ok = m.asRecorded(s)
		}
		if usable {
			entries = append(entries, s.Entries...)
		} else {
			left = append(left, s)
		}
		switch {
		case !ok:
		case s.Path == main.Path:
			at = slices.Insert(at, 0, b)
		default:
			at = append(at, b)
		}
	}
	if len(at) > 0 && at[0].Path != main.Path || m.unsure(main) {
		return nil, nil, nil // it could not be recorded, and the next boot would not know of it
	}
	inOrder(entries, func(e decl.Entry) string { return e.Path })
	return at, entries, m.left(left, entries)
}

// unsure reports whether nothing was ever recorded in the main store, and another one could have the records that is not mounted.
func (m *maker) unsure(main decl.Store) bool {
	if m.facts.Records != "" || m.facts.Objects[path.Join(main.Path, decl.StateDir, "current")].Exists {
		return false
	}
	return slices.ContainsFunc(m.host.Stores, func(s decl.Store) bool {
		_, mounted := m.mounts.At(s.Path)
		return !mounted && cmp.Or(s.Need, decl.Required) == decl.Required
	})
}

// left returns what is recorded of stores that cannot be used now, and of what is declared to be kept in them; but for entries of others.
func (m *maker) left(stores []decl.Store, others []decl.Entry) (kept []Step) {
	if m.recorded == nil || len(stores) == 0 {
		return nil
	}
	theirs, taken := map[string]bool{}, map[string]bool{}
	for _, s := range stores {
		theirs[s.Path] = true
		for _, e := range s.Entries {
			theirs[e.Path] = true
		}
	}
	for _, e := range others {
		taken[e.Path] = true
	}
	for _, e := range m.recorded.Entries {
		if (theirs[e.Store] || theirs[e.Path]) && !taken[e.Path] {
			if taken[e.Path] = true; !theirs[e.Path] {
				m.plan.Notes = append(m.plan.Notes, Note{Why: e.Why, Path: e.Path, Msg: "is not declared any more, and kept until its store " + e.Store + " can be used"})
			}
			kept = append(kept, e)
		}
	}
	return kept
}

// known adds the stores of entries that are left as they are recorded, where they are declared no more.
func (m *maker) known(stores []BootStore, entries []Step) []BootStore {
	if m.recorded == nil || len(stores) == 0 {
		return stores
	}
	for _, s := range m.recorded.Stores {
		is := func(b BootStore) bool { return b.Path == s.Path }
		if !slices.ContainsFunc(stores, is) && slices.ContainsFunc(entries, func(e Step) bool { return e.Store == s.Path }) {
			stores = append(stores, s)
		}
	}
	return stores
}

// asRecorded returns a store as the boot plan has it.
func (m *maker) asRecorded(s decl.Store) (BootStore, bool) {
	if m.recorded == nil {
		return BootStore{}, false
	}
	i := slices.IndexFunc(m.recorded.Stores, func(b BootStore) bool { return b.Path == s.Path })
	if i < 0 {
		return BootStore{}, false
	}
	b := m.recorded.Stores[i]
	b.Need = cmp.Or(s.Need, decl.Required)
	return b, true
}

// absent returns a store as it is recorded, if it is not there: a boot that finds it shall know it all the same.
func (m *maker) absent(s decl.Store) (BootStore, bool) {
	b, ok := m.asRecorded(s)
	if _, mounted := m.mounts.At(s.Path); mounted || !ok || b.Device == "" {
		return BootStore{}, false
	}
	if b.Need == decl.Required {
		return b, !m.conflict(s.Pos, s.Path, "connect and mount it; until then, what it keeps is left as it is recorded", "the store is not mounted, and it is required")
	}
	m.plan.Notes = append(m.plan.Notes, Note{Why: s.Pos, Path: s.Path, Msg: "the store is not there; what it keeps is left as it is"})
	return b, true
}

// plainTypes are filesystems that hold no owners, modes and links.
var plainTypes = []string{"vfat", "msdos", "exfat"}

// store checks that a store is mounted where it was declared, and returns where the initrd will find it.
func (m *maker) store(s decl.Store, main bool) (BootStore, bool) {
	no := func(hint, format string, args ...any) (BootStore, bool) {
		return BootStore{}, m.conflict(s.Pos, s.Path, hint, format, args...)
	}
	if o := m.facts.Objects[s.Path]; o.IsLink() {
		return no("write the path that it leads to", "the store is a symbolic link to %s", o.Link)
	} else if o.Via != "" {
		return no("write the path that it leads to", "%s above the store is a symbolic link", o.Via)
	}
	at, ok := m.mounts.At(s.Path)
	if !ok {
		return no("mount it, or let 'anicca init' make it", "the store is not mounted: what is kept there would be lost with the root")
	}
	if other := m.twin(s, at); other != "" && !main {
		return no("declare one of both only", "the store is what the store %s is: both are mounts of %s", other, at.Source)
	}
	switch {
	case slices.Contains(plainTypes, at.FSType):
		return no("use a disk with ext4, xfs or btrfs", "the store lies on %s (%s), which holds neither owners nor modes", at.Source, at.FSType)
	case at.ReadOnly:
		return no("see 'dmesg' why, as a disk with faults becomes so by itself; then type 'mount -o remount,rw "+s.Path+"', and see its line in /etc/fstab",
			"the store is read-only: nothing can be kept in it")
	}
	out := BootStore{Path: s.Path, Need: cmp.Or(s.Need, decl.Required)}
	if main && out.Need != decl.Required {
		return no("leave need out", "the store holds anicca's own records, without which nothing is reset: it cannot be %s", s.Need)
	}
	disk, ok := m.disk()
	if !ok { // the little machine of 'anicca try' has no disk
		return out, true
	}
	a := m.above(s.Path)
	m.away[s.Path] = a
	line, ok := m.facts.Fstab.At(s.Path)
	if out.Under = a.at; main && a.at != "" {
		return no("mount it elsewhere", "the store with anicca's own records lies in the filesystem of %s (%s), which is mounted over it after the initrd", a.at, a.what)
	}
	if at.Beside(disk) {
		var whole bool
		out.Subvol, whole = at.FromTop()
		if why := m.inRoot(out.Subvol); why != "" {
			return no("mount a "+m.volume()+" of its own there, from the top level of the filesystem",
				"the store lies in the root's own %s: it would be reset with the root", why)
		}
		if !whole {
			return no("mount a dataset of its own there", "the store is the directory %s of the dataset %s, which the initrd cannot mount by itself", at.Root, at.Source)
		}
		out.Options = everyMount(at.Options)
		if ok {
			out.Options = everyMount(line.Options)
		}
		return out, true
	}
	if main {
		return no("make it a "+m.volume()+" of the root's filesystem, as 'anicca init' does",
			"the store with anicca's own records lies on %s (%s), another filesystem than the root", at.Source, at.FSType)
	}
	switch {
	case !ok:
		return no("add a line for it to /etc/fstab, with UUID=", "the store lies on %s (%s), and nothing says so at the next boot", at.Source, at.FSType)
	case !device(line.Device) && !m.late(s):
		return no(`use a local disk, or write phase: "late" beside all that it keeps`, "the store lies on %s, which the initrd cannot reach", line.Device)
	}
	out.Device, out.FSType, out.Options = line.Device, at.FSType, line.Options
	return out, true
}

// twin returns another store, that comes before, and that is the very directory that a mount shows; "" if there is none.
func (m *maker) twin(s decl.Store, at facts.Mount) string {
	main, _ := m.facts.MainStore(m.host)
	shown, _ := at.FromTop()
	for _, o := range m.host.Stores {
		other, ok := m.mounts.At(o.Path)
		if !ok || o.Path == s.Path || o.Path > s.Path && o.Path != main.Path || !other.Beside(at) {
			continue
		}
		if p, _ := other.FromTop(); p == shown && other.Root == at.Root {
			return o.Path
		}
	}
	return ""
}

// disk returns the mount that shows the filesystem of the root.
func (m *maker) disk() (facts.Mount, bool) {
	root, ok := m.mounts.At("/")
	if ok && root.FSType == "overlay" {
		return m.mounts.At(decl.DiskDir)
	}
	return root, ok
}

// inRoot says what of the root a path from the top level lies in, "" if in nothing that is reset.
func (m *maker) inRoot(p string) string {
	root, _ := m.mounts.At("/")
	if b := m.host.Root.Backend; b == decl.Btrfs || b == decl.ZFS {
		sub, _ := root.FromTop()
		if p == sub || strings.HasPrefix(p, sub+"/") {
			return m.volume() + " " + sub
		}
		return ""
	}
	if ours := path.Dir(decl.LedgerFile)[1:]; !strings.HasPrefix(p, ours+"/") {
		return "directory /" + p
	}
	return ""
}

// volume is what the backend calls a part of the filesystem that can be mounted by itself.
func (m *maker) volume() string {
	switch m.host.Root.Backend {
	case decl.Btrfs:
		return "subvolume"
	case decl.ZFS:
		return "dataset"
	}
	return "directory below /anicca"
}

// volumes checks what shall be reset together with the root.
func (m *maker) volumes() []BootVolume {
	var out []BootVolume
	for _, v := range m.host.Root.Volumes {
		if b, ok := m.resetVolume(v); ok {
			out = append(out, b)
		}
	}
	return out
}

func (m *maker) resetVolume(v decl.Volume) (BootVolume, bool) {
	no := func(hint, format string, args ...any) (BootVolume, bool) {
		return BootVolume{}, m.conflict(v.Pos, v.Path, hint, format, args...)
	}
	at, ok := m.mounts.At(v.Path)
	root, _ := m.mounts.At("/")
	sub, whole := at.FromTop()
	switch {
	case m.host.Root.Backend != decl.Btrfs && m.host.Root.Backend != decl.ZFS:
		return no("leave it out", "%s", fmt.Sprintf("a root of %q has no volumes beside it: what lies in the root is reset with it", m.host.Root.Backend))
	case !ok:
		return no("leave it out: what lies in the root is reset with it", "nothing is mounted there")
	case !at.Beside(root):
		return no("leave it out, or move it", "it lies on %s, another filesystem than the root", at.Source)
	case sub == "":
		return no("mount a "+m.volume()+" there", "the top level of the filesystem is mounted there")
	case !whole:
		return no("leave it out, or mount a dataset there", "it is the directory %s of the dataset %s", at.Root, at.Source)
	case m.host.Root.Backend == decl.ZFS:
		if why, hint := m.taken(at); why != "" {
			return no(hint, "%s", why)
		}
	}
	if a := m.above(v.Path); a.at != "" {
		return no("leave it out", "it lies in the filesystem of %s (%s), which is mounted over it after the initrd", a.at, a.what)
	}
	for _, s := range m.host.Stores {
		if s.Path == v.Path || strings.HasPrefix(s.Path, v.Path+"/") {
			return no("leave it out, or mount the store elsewhere", "the store %s lies in it", s.Path)
		}
	}
	return BootVolume{Path: v.Path, Subvol: sub, Options: plain(at.Options)}, true
}

// plain are the mount options that are not what every mount has anyhow.
func plain(options []string) []string {
	return slices.DeleteFunc(slices.Clone(options), func(o string) bool { return o == "rw" || o == "relatime" })
}

// everyMount picks the options that a mount can have whatever the filesystem, and that do not keep it from being written to.
func everyMount(options []string) []string {
	var out []string
	for _, o := range options {
		if slices.Contains([]string{"nosuid", "nodev", "noexec", "noatime", "nodiratime"}, o) {
			out = append(out, o)
		}
	}
	return out
}

// device reports whether an fstab names a local device.
func device(spec string) bool {
	for _, p := range []string{"UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "/dev/"} {
		if strings.HasPrefix(spec, p) {
			return true
		}
	}
	return false
}
