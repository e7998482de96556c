package install

import (
	"fmt"
	"slices"
	"strings"
)

// Notes are what the user has to do, or to know, beside what is the same on every machine. Each is a paragraph.
func (m Machine) Notes() []string {
	var out []string
	switch p := m.shimPath(); {
	case m.Generator == Shim && m.initOnCmdline() != p:
		s := fmt.Sprintf("Nothing builds an initrd here that anicca can hook into, so the first process has to make the root: "+
			"add init=%s to the kernel command line, in the boot loader's configuration, before you set reset: \"on\". "+
			"After a reboot 'anicca status' shows whether it ran.", p)
		if own := m.initOnCmdline(); own != "" {
			s += fmt.Sprintf(" It has init=%s now: write anicca.init=%s for that.", own, own)
		}
		out = append(out, s)
	case m.Generator == NixOS:
		out = append(out, fmt.Sprintf("anicca does not change your configuration: add %s to the imports in configuration.nix, and run 'nixos-rebuild boot' "+
			"before you set reset: \"on\". Where the configuration is a flake, copy it and the programs beside it, %s and %s, into that, and 'git add' them. "+
			"After another version of anicca, run 'anicca init' and nixos-rebuild again.", nixModule, nixAnicca, nixProgram))
	}
	if at, _, ok := m.Mounts.Place("/boot"); ok && at.Target == "/" && m.FSType == "zfs" {
		out = append(out, fmt.Sprintf("Kernel and initrd lie in the root's own dataset, which has no name for a moment at every reset. A power cut in that moment "+
			"leaves a boot loader that reads from the pool without them; from a live system, 'zfs rename -u %s/anicca/work/ID %s' heals that. "+
			"A /boot of its own has no such moment.", strings.SplitN(m.Device, "/", 2)[0], m.Device))
	}
	if len(m.UKIs) > 0 {
		list := strings.Join(m.UKIs, ", ")
		ours := !slices.ContainsFunc(m.UKIs, func(p string) bool {
			return !slices.ContainsFunc(m.Images, func(i Image) bool { return i.Path == p })
		})
		switch {
		case m.Generator == Shim:
			out = append(out, fmt.Sprintf("The kernel command line may be a part of the unified kernel images %s: then they have to be built again.", list))
		case ours:
			out = append(out, fmt.Sprintf("The unified kernel images %s are rebuilt with the others. A key that the TPM gives only to an unchanged image "+
				"has to be enrolled anew: have the passphrase at hand.", list))
		default:
			out = append(out, fmt.Sprintf("Of the unified kernel images %s, anicca rebuilds only what the presets of mkinitcpio name. "+
				"Build the others again before you boot them, or they will not reset.", list))
		}
	}
	return out
}
