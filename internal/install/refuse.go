package install

import (
	"fmt"
	"slices"
	"strings"

	"anicca/internal/decl"
)

// Refusal is a reason why a machine cannot be converted, and what to do about it.
type Refusal struct {
	Msg  string
	Hint string
}

// Refusals returns every reason why anicca cannot be set up on the machine.
func (m Machine) Refusals() []Refusal {
	var out []Refusal
	no := func(hint, format string, args ...any) {
		out = append(out, Refusal{fmt.Sprintf(format, args...), hint})
	}
	if m.Container {
		no("run 'anicca init' on the machine itself", "this is a container: it has no initrd that could make its root anew")
		return out
	}
	m.refuseRoot(no)
	m.refuseInitrd(no)
	out = append(out, m.Unclear...)
	for _, p := range m.Apart {
		no("move it onto the root's filesystem", "%s lies on a filesystem of its own: the package database and /usr belong to the base together", p)
	}
	for _, p := range m.Swapfiles {
		if m.Backend != decl.Btrfs {
			break
		}
		no("run 'swapoff "+p+"' and move it into a subvolume of its own that is mounted apart, or use a swap partition",
			"the swap file %s lies in the root, and the kernel makes no snapshot of a subvolume with a swap file in use", p)
	}
	if !m.Systemd {
		no("other init systems come later", "the machine does not run systemd")
	}
	if !m.Modules {
		no("reboot into the installed kernel first", "the running kernel %s has no modules in this root: a base made now could not boot it", m.Kernel)
	}
	return out
}

// kinds are the filesystems that an overlay can write to, as they keep extended attributes and tell file types in directories,
// and that the initrd can tell by their UUIDs ([sys.Probe]).
var kinds = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"}

func (m Machine) refuseRoot(no func(hint, format string, args ...any)) {
	switch m.FSType {
	case "overlay", "tmpfs":
		no("run 'anicca init' on an installed system", "the root is %s, as in a live system or a container: there is nothing to convert", m.FSType)
		return
	}
	switch m.Backend {
	case decl.Btrfs:
		if m.FSType != "btrfs" {
			no("leave --backend out", "the root is %s, not btrfs", m.FSType)
			return
		}
		m.refuseLayout(no)
	case decl.ZFS:
		m.refuseZFS(no)
	case decl.Overlay, decl.Tmpfs:
		if !slices.Contains(kinds, m.FSType) {
			no("move the system to one of "+strings.Join(kinds, ", "), "the root is %s, which an overlay cannot write to", m.FSType)
		}
		if m.FSType == "btrfs" && m.Subvol != "" {
			no("leave --backend out", "the root is a btrfs subvolume, which needs no overlay")
		}
		if m.Mounted && m.StoreSub != overlayStore {
			no("name another place with --store", "something else is mounted at %s", m.Store)
		}
	default:
		no("leave --backend out, or write btrfs, overlay, tmpfs or zfs", "there is no backend %q", m.Backend)
	}
}

func (m Machine) refuseLayout(no func(hint, format string, args ...any)) {
	switch {
	case m.Subvol == "":
		no("move the system into a subvolume, such as @rootfs, and boot with rootflags=subvol=@rootfs",
			"the root is the top level of its filesystem: there is no subvolume that could be replaced")
	case strings.Contains(m.Subvol, ".snapshots"):
		no("layouts in which snapshots take turns as the root, as openSUSE's, come later",
			"the root is the snapshot %s, which another program replaces too", m.Subvol)
	}
	where, options, hint := m.rootOption()
	sub := ""
	for _, o := range options {
		if v, ok := strings.CutPrefix(o, "subvol="); ok {
			sub = strings.Trim(v, "/")
		}
		if strings.HasPrefix(o, "subvolid=") {
			no("write subvol="+m.Subvol+" there instead", "%s has %s: the number changes with every reset, the name does not", where, o)
			return
		}
	}
	if m.Subvol != "" && sub != m.Subvol {
		no(hint, "%s does not name the root's subvolume %s (%q)", where, m.Subvol, strings.Join(options, ","))
	}
	if m.Subvol != "" && strings.HasPrefix(m.StoreSub, m.Subvol+"/") {
		no("move it to the top level: mount that with subvolid=5 and rename the subvolume; then mend /etc/fstab",
			"the store %s is the subvolume %s, inside the root: it would go into the archive with it", m.Store, m.StoreSub)
	}
	if m.Mounted && m.StoreSub == "" {
		no("name another place with --store", "%s is mounted, but not as a subvolume of the root's filesystem: that comes with a later release", m.Store)
	}
}
