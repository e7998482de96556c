package install

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed files
var files embed.FS

// Installed is one file that anicca puts on a machine.
type Installed struct {
	Path string
	Mode uint32
	Data string
	Link string // target, if it is a link
	From string // the file on the machine that it is a copy of, if it is one
}

// unit is a unit of systemd. Its text is the file of that name in files/.
type unit struct {
	name    string
	by      string // the unit that requires it in the initrd, or wants it in the booted system; empty for none
	overlay bool   // it does something only where the root is an overlay
}

// initrdUnits run in initrds that systemd runs.
var initrdUnits = []unit{
	{name: "anicca-reset.service", by: "sysroot.mount"},
	{name: "anicca-persist.service", by: "initrd-root-fs.target"},
}

// lateUnits run in the booted system.
var lateUnits = []unit{
	{name: "anicca.service", by: "sysinit.target"},
	{name: "anicca-late.service", by: "multi-user.target"},
	{name: "anicca-save.service", by: "sysinit.target", overlay: true},
	{name: "anicca-watch.service", by: "sysinit.target"},
	{name: "anicca-expire.service"},
	{name: "anicca-expire.timer", by: "timers.target"},
	{name: "anicca-observe.service", by: "multi-user.target"},
	{name: "anicca-baseline.service", by: "multi-user.target"},
	{name: "anicca-fill.service", overlay: true},
	{name: "anicca-fill.timer", by: "timers.target", overlay: true},
}

// hookFiles are the files of every generator, by their names in files/.
var hookFiles = map[Generator][][2]string{
	InitramfsTools: {
		{"initramfs-hook", "/etc/initramfs-tools/hooks/anicca"},
		{"initramfs-premount", "/etc/initramfs-tools/scripts/local-premount/anicca"},
		{"initramfs-bottom", "/etc/initramfs-tools/scripts/local-bottom/anicca"},
	},
	Dracut: {
		{"dracut-conf", "/etc/dracut.conf.d/50-anicca.conf"},
		{"dracut-module", "/usr/lib/dracut/modules.d/50anicca/module-setup.sh"},
		{"anicca-reset.service", "/usr/lib/dracut/modules.d/50anicca/anicca-reset.service"},
		{"anicca-persist.service", "/usr/lib/dracut/modules.d/50anicca/anicca-persist.service"},
	},
	Mkinitcpio: {
		{"mkinitcpio-conf", "/" + mkinitcpioDropIns + "/" + mkinitcpioDropIn},
		{"mkinitcpio-install", "/etc/initcpio/install/anicca"},
		{"mkinitcpio-hook", "/etc/initcpio/hooks/anicca"},
	},
	MkinitcpioSystemd: {
		{"mkinitcpio-conf", "/" + mkinitcpioDropIns + "/" + mkinitcpioDropIn},
		{"mkinitcpio-install-systemd", "/etc/initcpio/install/anicca"},
		{"anicca-reset.service", "/etc/initcpio/anicca/anicca-reset.service"},
		{"anicca-persist.service", "/etc/initcpio/anicca/anicca-persist.service"},
	},
	Shim: {},
}

// Programs are the paths of the two programs on the machine.
type Programs struct {
	Init   string // for the initrd and early boot
	Anicca string // this one
}

// Hooks returns the files that make a machine run the initrd program before its root is used, and the late services of the
// booted system.
func Hooks(m Machine, p Programs) ([]Installed, error) {
	if m.Generator == NixOS {
		return nixHooks(m, p)
	}
	program := p.Init
	list, ok := hookFiles[m.Generator]
	if !ok {
		return nil, fmt.Errorf("internal error: unknown initrd generator %q", m.Generator)
	}
	var out []Installed
	if m.Generator == Shim {
		out = append(out, Installed{Path: m.shimPath(), Mode: 0o755, From: program})
		program = m.shimPath()
	}
	const units = "/etc/systemd/system/"
	for _, u := range lateUnits {
		list = append(list[:len(list):len(list)], [2]string{u.name, units + u.name})
		if u.by != "" {
			out = append(out, Installed{Path: units + u.by + ".wants/" + u.name, Link: "../" + u.name})
		}
	}
	list = append(list, [2]string{"remount.conf", units + "systemd-remount-fs.service.d/10-anicca.conf"})
	module := "" // dracut's own modules for these want programs that other machines do not have
	if m.FSType == "btrfs" || m.FSType == "zfs" {
		module = " " + m.FSType
	}
	for _, f := range list {
		if f[0] == "initramfs-premount" && m.FSType == "zfs" {
			f[0] += "-zfs"
		}
		data, err := files.ReadFile("files/" + f[0])
		if err != nil {
			return nil, fmt.Errorf("internal error: %w", err)
		}
		mode := uint32(0o755)
		switch path.Ext(f[1]) {
		case ".service", ".timer", ".conf":
			mode = 0o644
		}
		text := strings.NewReplacer("@PROGRAM@", program, "@ANICCA@", p.Anicca, "@FILESYSTEM@", module).Replace(string(data))
		out = append(out, Installed{Path: f[1], Mode: mode, Data: text})
	}
	return out, nil
}
