package install

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed files
var files embed.FS

// Generator is a program that builds initrds.
type Generator string

const (
	InitramfsTools Generator = "initramfs-tools"
	Dracut         Generator = "dracut"
)

// Installed is one file that anicca puts on a machine.
type Installed struct {
	Path string
	Mode uint32
	Data string
	Link string // target, if it is a link
}

// Hooks returns the files that make a generator's images run the initrd program at path program
// for a root on a filesystem of a type, and the late service of the booted system.
func Hooks(g Generator, program, fstype string) ([]Installed, error) {
	btrfs := "" // dracut's own module for it wants programs that other machines do not have
	if fstype == "btrfs" {
		btrfs = " btrfs"
	}
	var out []Installed
	add := func(name, to string, mode uint32) error {
		data, err := files.ReadFile("files/" + name)
		if err != nil {
			return fmt.Errorf("internal error: %w", err)
		}
		text := strings.NewReplacer("@PROGRAM@", program, "@BTRFS@", btrfs).Replace(string(data))
		out = append(out, Installed{Path: to, Mode: mode, Data: text})
		return nil
	}
	const units = "/etc/systemd/system/"
	list := [][2]string{
		{"anicca.service", units + "anicca.service"},
		{"anicca-expire.service", units + "anicca-expire.service"},
		{"anicca-expire.timer", units + "anicca-expire.timer"},
		{"anicca-observe.service", units + "anicca-observe.service"},
		{"anicca-save.service", units + "anicca-save.service"},
		{"anicca-fill.service", units + "anicca-fill.service"},
		{"anicca-fill.timer", units + "anicca-fill.timer"},
		{"remount.conf", units + "systemd-remount-fs.service.d/10-anicca.conf"},
	}
	switch g {
	case InitramfsTools:
		list = append(list,
			[2]string{"initramfs-hook", "/etc/initramfs-tools/hooks/anicca"},
			[2]string{"initramfs-premount", "/etc/initramfs-tools/scripts/local-premount/anicca"},
			[2]string{"initramfs-bottom", "/etc/initramfs-tools/scripts/local-bottom/anicca"})
	case Dracut:
		const module = "/usr/lib/dracut/modules.d/50anicca/"
		list = append(list,
			[2]string{"dracut-conf", "/etc/dracut.conf.d/50-anicca.conf"},
			[2]string{"dracut-module", module + "module-setup.sh"},
			[2]string{"anicca-reset.service", module + "anicca-reset.service"},
			[2]string{"anicca-persist.service", module + "anicca-persist.service"})
	default:
		return nil, fmt.Errorf("internal error: unknown initrd generator %q", g)
	}
	for _, f := range list {
		mode := uint32(0o755)
		switch path.Ext(f[1]) {
		case ".service", ".timer", ".conf":
			mode = 0o644
		}
		if err := add(f[0], f[1], mode); err != nil {
			return nil, err
		}
	}
	for _, l := range [][2]string{
		{"sysinit.target", "anicca.service"}, {"sysinit.target", "anicca-save.service"},
		{"multi-user.target", "anicca-observe.service"}, {"timers.target", "anicca-expire.timer"}, {"timers.target", "anicca-fill.timer"},
	} {
		out = append(out, Installed{Path: units + l[0] + ".wants/" + l[1], Link: "../" + l[1]})
	}
	return out, nil
}
