package install

import (
	"fmt"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/root"
)

// Kind says what a step of the conversion does.
type Kind string

const (
	Dataset     Kind = "dataset"     // make the dataset below which everything of anicca lies
	Alone       Kind = "canmount"    // let nobody mount the root's dataset by itself
	Store       Kind = "store"       // make the store and its mount point
	Fstab       Kind = "fstab"       // add the store's line
	Mount       Kind = "mount"       // mount the store
	Declaration Kind = "declaration" // write the starter declaration
	Hook        Kind = "hooks"       // install the initrd hooks and the late service
	Initrd      Kind = "initrd"      // rebuild one image and look into it; without a path, rebuild all
	Inspect     Kind = "inspect"     // look into one image
	Ledger      Kind = "ledger"      // make anicca's directory on the top level
	Base        Kind = "base"        // make base 1 from the running root
)

// Step is one step of the conversion, as data.
type Step struct {
	Kind Kind   `json:"kind"`
	Path string `json:"path,omitempty"` // what it makes or changes
	Text string `json:"text"`           // what it does, for people
	Data string `json:"data,omitempty"` // line or content that it writes
	Arg  string `json:"arg,omitempty"`  // subvolume, or kernel release
}

// Steps returns what has to be done to the machine, in order.
// The hooks come before the base, because the boot loader reads kernel and initrd from the root,
// and after a reset the root is a copy of the base.
func Steps(m Machine, starter string) []Step {
	var out []Step
	add := func(s Step) { out = append(out, s) }
	what, line := "subvolume", fmt.Sprintf("UUID=%%s %s btrfs subvol=%s,noatime 0 0", m.Store, m.StoreSub)
	switch m.Backend {
	case decl.Btrfs:
	case decl.ZFS:
		what, line = "dataset", fmt.Sprintf("%s %s zfs defaults 0 0", root.Dataset(m.Device, m.StoreSub), m.Store)
		out = m.zfsSteps()
	default:
		// Where the root is an overlay, the initrd has mounted it already, and its place in the base is out of sight.
		what, line = "directory", fmt.Sprintf("/%s %s none bind,nofail 0 0", m.StoreSub, m.Store)
	}
	if !m.Mounted {
		add(Step{
			Kind: Store, Path: m.Store, Arg: m.StoreSub,
			Text: fmt.Sprintf("make the store: %s %s, to be mounted at %s", what, m.StoreSub, m.Store),
		})
	}
	if !inFstab(m.Fstab, m.Store) && m.Generator != NixOS && !m.mountsItself() { // on NixOS the module has it
		add(Step{Kind: Fstab, Path: "/etc/fstab", Data: line, Text: "add the store to /etc/fstab"})
	}
	if !m.Mounted {
		add(Step{Kind: Mount, Path: m.Store, Arg: m.StoreSub, Text: "mount the store at " + m.Store})
	}
	if len(m.Declared) == 0 {
		add(Step{
			Kind: Declaration, Path: "/etc/anicca/host.cue", Data: starter,
			Text: `write a starter declaration to /etc/anicca/host.cue; it observes and resets nothing until you say reset: "on"`,
		})
	}
	hooks := fmt.Sprintf("install the initrd hooks for %s, and anicca.service", m.Generator)
	switch m.Generator {
	case NixOS:
		hooks = "write the module " + nixModule + ", with the initrd program beside it"
	case Shim:
		hooks = "put the initrd program at " + m.shimPath() + ", and install anicca.service"
	}
	add(Step{Kind: Hook, Arg: string(m.Generator), Text: hooks})
	atOnce := m.Generator == Mkinitcpio || m.Generator == MkinitcpioSystemd
	if atOnce {
		add(Step{Kind: Initrd, Text: "rebuild all initrds with the initrd program in them: mkinitcpio -P"})
	}
	for _, i := range m.Images {
		if atOnce {
			add(Step{Kind: Inspect, Path: i.Path, Text: "look into " + i.Path})
			continue
		}
		add(Step{Kind: Initrd, Path: i.Path, Arg: i.Kernel, Text: fmt.Sprintf("rebuild %s with the initrd program in it", i.Path)})
	}
	switch m.Backend {
	case decl.Btrfs:
		add(Step{Kind: Ledger, Arg: m.Subvol, Text: "make the directory anicca, with the ledger, at the top level of " + m.Device})
	case decl.ZFS:
		add(Step{Kind: Ledger, Arg: m.Subvol, Text: "write the ledger into " + root.Dataset(m.Device, "anicca")})
	}
	base := fmt.Sprintf("make base 1: a read-only snapshot of %s as it is now", strings.Join(append([]string{m.Subvol}, m.Volumes...), ", with "))
	if m.Backend == decl.ZFS {
		base = fmt.Sprintf("make base 1: a read-only clone of %s as it is now", m.Device)
	}
	if m.Backend == decl.Overlay || m.Backend == decl.Tmpfs {
		base = "make the root base 1, as it will be at the next shutdown; from the next boot on, sessions write beside it"
	}
	add(Step{Kind: Base, Arg: m.Subvol, Text: base})
	return out
}

func inFstab(fstab, mountPoint string) bool {
	for line := range strings.Lines(fstab) {
		f := strings.Fields(line)
		if len(f) > 1 && !strings.HasPrefix(f[0], "#") && f[1] == mountPoint {
			return true
		}
	}
	return false
}
