package install

import (
	"fmt"
	"slices"
	"strings"

	"anicca/internal/decl"
)

// What anicca writes on NixOS, where only the configuration can change the initrd and the units.
const (
	nixModule  = "/etc/nixos/anicca.nix"
	nixProgram = "/etc/nixos/anicca-init"
	nixAnicca  = "/etc/nixos/anicca"
)

// nixHooks returns the module of NixOS, and the programs that it puts into the Nix store.
func nixHooks(m Machine, p Programs) ([]Installed, error) {
	frame, err := files.ReadFile("files/nixos-module")
	if err != nil {
		return nil, fmt.Errorf("internal error: %w", err)
	}
	var units strings.Builder
	for _, u := range initrdUnits {
		if err := nixUnit(&units, "boot.initrd.systemd.units", u, "requiredBy"); err != nil {
			return nil, err
		}
	}
	for _, u := range lateUnits {
		if u.overlay {
			continue
		}
		option := "systemd.units"
		if u.user {
			option = "systemd.user.units"
		}
		if err := nixUnit(&units, option, u, "wantedBy"); err != nil {
			return nil, err
		}
	}
	for i, option := range []string{"environment.loginShellInit", "programs.fish.loginShellInit"} {
		data, err := files.ReadFile("files/" + shellFiles[i][0])
		if err != nil {
			return nil, fmt.Errorf("internal error: %w", err)
		}
		fmt.Fprintf(&units, "\n  %s = ''\n", option)
		nixLines(&units, nixIndented(string(data)), "    ")
		units.WriteString("  '';\n")
	}
	text := strings.NewReplacer(
		"@UNITS@\n", strings.ReplaceAll(units.String(), "@STORE@", nixIndented(unitPath(m.Store))), "@FSTYPE@", nixString(m.FSType), "@STORE@", nixString(m.Store),
		"@DEVICE@", nixString("/dev/disk/by-uuid/"+m.UUID), "@OPTION@", nixString("subvol="+m.StoreSub),
	).Replace(string(frame))
	return []Installed{
		{Path: nixModule, Mode: 0o644, Data: text},
		{Path: nixProgram, Mode: 0o755, From: p.Init},
		{Path: nixAnicca, Mode: 0o755, From: p.Anicca},
	}, nil
}

// nixUnit writes one unit of ours, with the text that it has everywhere, as an option of NixOS.
func nixUnit(b *strings.Builder, option string, u unit, by string) error {
	data, err := files.ReadFile("files/" + u.name)
	if err != nil {
		return fmt.Errorf("internal error: %w", err)
	}
	text := nixIndented(string(data))
	text = strings.NewReplacer("/usr/bin/anicca-init", "${program}", "@PROGRAM@", "${program}", "@ANICCA@", "${anicca}").Replace(text)
	if option != "boot.initrd.systemd.units" { // those of NixOS's own making have the programs of the system in their path
		text = strings.Replace(text, "[Service]\n", "[Service]\nEnvironment=PATH=/run/current-system/sw/bin\n", 1)
	}
	fmt.Fprintf(b, "\n  %s.%s = {\n", option, nixString(u.name))
	if u.by != "" {
		fmt.Fprintf(b, "    %s = [ %s ];\n", by, nixString(u.by))
	}
	b.WriteString("    text = ''\n")
	nixLines(b, text, "      ")
	b.WriteString("    '';\n  };\n")
	return nil
}

// nixIndented writes a string for an indented one of the Nix language, in which ” and ${ mean something.
func nixIndented(s string) string { return strings.NewReplacer("''", "'''", "${", "''${").Replace(s) }

func nixLines(b *strings.Builder, text, indent string) {
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(indent)
		}
		b.WriteString(line)
	}
}

// nixString writes a string as the Nix language wants it.
func nixString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", `\${`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}

// refuseNixOS says what would be lost at a reset though NixOS needs it, and what its initrd cannot do yet.
func (m Machine) refuseNixOS(no func(hint, format string, args ...any)) {
	if m.Backend != decl.Btrfs {
		no("move the root into a subvolume of btrfs, beside one for /nix", "on NixOS, fresh roots are made of btrfs subvolumes only for now, and the root is %s", m.FSType)
	}
	for _, p := range []struct{ path, why string }{
		{"/nix", "what nixos-rebuild puts there would be forgotten at the next boot, and the machine could not boot it"},
		{"/boot", "the boot loader would read there at every boot what it was when the base was made, whatever nixos-rebuild has written since"},
	} {
		if at, ok := m.Mounts.At(p.path); !ok || at.Target != p.path {
			no("give it a filesystem or a subvolume of its own in fileSystems", "%s lies in the root: %s", p.path, p.why)
		}
	}
	if at, ok := m.Mounts.At("/etc"); ok && at.FSType == "overlay" {
		no("set system.etc.overlay.enable = false", "/etc is an overlay that is mounted in the initrd, over what anicca puts there")
	}
}

// rootOption returns what names the root's subvolume, where it does so, and how the user adds it there.
func (m Machine) rootOption() (where string, options []string, hint string) {
	if m.Generator == NixOS {
		for line := range strings.Lines(m.Fstab) {
			if f := strings.Fields(line); len(f) > 3 && f[1] == "/" {
				options = strings.Split(f[3], ",")
			}
		}
		return `fileSystems."/"`, options, fmt.Sprintf(`add "subvol=%s" to its options, and run nixos-rebuild`, m.Subvol)
	}
	for f := range strings.FieldsSeq(m.Cmdline) {
		if v, ok := strings.CutPrefix(f, "rootflags="); ok {
			options = strings.Split(v, ",")
		}
	}
	return "the kernel command line", slices.Clone(options), "add rootflags=subvol=" + m.Subvol + " to the kernel command line, in the boot loader's configuration"
}
