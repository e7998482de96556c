package install

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Generator is what builds a machine's initrds.
type Generator string

const (
	InitramfsTools    Generator = "initramfs-tools"
	Dracut            Generator = "dracut"
	Mkinitcpio        Generator = "mkinitcpio"
	MkinitcpioSystemd Generator = "mkinitcpio with systemd"
	NixOS             Generator = "NixOS"
	Shim              Generator = "init=" // there is no initrd, or none that takes hooks
)

// Image is one initrd, or a unified kernel image with an initrd in it.
type Image struct {
	Path   string
	Kernel string // release, or what the distribution calls it where it has only one of a kind
}

// generator finds out what builds the machine's initrds, and which there are.
func (m *Machine) generator(fsys fs.FS) {
	presets, _ := fs.Glob(fsys, mkinitcpioPresets+"/*.preset")
	booster := exists(fsys, "usr/bin/booster") && (len(presets) == 0 || strings.Contains(m.Cmdline, "booster-"))
	dracut := exists(fsys, "usr/bin/dracut")
	for _, pattern := range []string{"efi/EFI/Linux/*.efi", "boot/EFI/Linux/*.efi", "boot/efi/EFI/Linux/*.efi"} {
		found, _ := fs.Glob(fsys, pattern)
		for _, p := range found {
			m.UKIs = append(m.UKIs, "/"+p)
		}
	}
	switch {
	case exists(fsys, "etc/NIXOS"):
		m.Generator = NixOS
	case exists(fsys, "usr/sbin/update-initramfs") && exists(fsys, "usr/sbin/mkinitramfs"):
		m.Generator, m.Images = InitramfsTools, images(fsys)
	case booster:
		m.Generator = Shim
	case exists(fsys, "usr/bin/mkinitcpio") && (len(presets) > 0 || !dracut):
		m.mkinitcpio(fsys)
	case dracut:
		m.Generator, m.Images = Dracut, images(fsys)
	default:
		m.Generator = Shim
	}
}

// images returns the initrds whose names carry the release of an installed kernel.
func images(fsys fs.FS) []Image {
	var out []Image
	for _, pattern := range []string{"boot/initrd.img-*", "boot/initramfs-*.img"} {
		found, _ := fs.Glob(fsys, pattern)
		for _, p := range found {
			k := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(path.Base(p), "initrd.img-"), "initramfs-"), ".img")
			if exists(fsys, "usr/lib/modules/"+k) || exists(fsys, "lib/modules/"+k) {
				out = append(out, Image{"/" + p, k})
			}
		}
	}
	slices.SortFunc(out, func(a, b Image) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// refuseInitrd says what stands in the way of making the root anew at boot.
func (m Machine) refuseInitrd(no func(hint, format string, args ...any)) {
	switch {
	case m.Generator == NixOS:
		m.refuseNixOS(no)
	case m.Generator == Shim || len(m.Unclear) > 0:
	case len(m.Images) == 0:
		no("build one, with update-initramfs -c -k all, dracut or mkinitcpio -P", "there is no initrd in /boot: the reset has to run in one")
	}
}

// shimPath is where the program lies that init= on the kernel command line names. Nothing but the root is mounted then.
func (m Machine) shimPath() string {
	const usual = "/usr/local/bin/anicca-init"
	if at, _, ok := m.Mounts.Place(usual); ok && at.Target != "/" {
		return "/usr/lib/anicca/anicca-init"
	}
	return usual
}

// initOnCmdline is what init= on the kernel command line names.
func (m Machine) initOnCmdline() string {
	p := ""
	for f := range strings.FieldsSeq(m.Cmdline) {
		if v, ok := strings.CutPrefix(f, "init="); ok {
			p = v
		}
	}
	return p
}
