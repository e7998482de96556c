package install

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Where mkinitcpio(8) has its configuration; see mkinitcpio.conf(5).
const (
	mkinitcpioConf    = "etc/mkinitcpio.conf"
	mkinitcpioDropIns = mkinitcpioConf + ".d"
	mkinitcpioPresets = "etc/mkinitcpio.d"
	// The name sorts after others: a file read later may replace HOOKS, or add one that ours has to come after.
	mkinitcpioDropIn = "zz-anicca.conf"
)

// mkinitcpio reads how a machine's images are made: which kind of initrd they hold, and where they are.
func (m *Machine) mkinitcpio(fsys fs.FS) {
	no := func(hint, format string, args ...any) {
		m.Unclear = append(m.Unclear, Refusal{fmt.Sprintf(format, args...), hint})
	}
	m.Generator = Mkinitcpio
	hooks, err := mkinitcpioHooks(fsys)
	switch {
	case err != nil:
		no("change it, and run 'anicca init' again: HOOKS=(…) with plain words, and nothing else that sets it", "what mkinitcpio puts into its images cannot be told: %v", err)
	case slices.Contains(hooks, "anicca"):
		no("take it out there: anicca init puts it where it belongs", "the HOOKS of mkinitcpio name anicca already")
	case slices.Contains(hooks, "systemd"):
		m.Generator = MkinitcpioSystemd
	}
	presets, _ := fs.Glob(fsys, mkinitcpioPresets+"/*.preset")
	if len(presets) == 0 {
		no("make one, as /usr/share/mkinitcpio/hook.preset shows, or boot with images that mkinitcpio -P makes",
			"mkinitcpio has no preset in /%s: its images are made by something else", mkinitcpioPresets)
	}
	there := false
	for _, p := range presets {
		images, err := presetImages(fsys, p)
		if err != nil {
			no("change it, and run 'anicca init' again; /usr/share/mkinitcpio/hook.preset shows the usual form", "a preset of mkinitcpio cannot be used: %v", err)
		}
		for _, i := range images {
			there = there || exists(fsys, i.Path[1:])
		}
		m.Images = append(m.Images, images...)
	}
	if !there {
		m.Images = nil
	}
}

// mkinitcpioHooks returns the HOOKS of mkinitcpio without ours.
func mkinitcpioHooks(fsys fs.FS) ([]string, error) {
	dropIns, _ := fs.Glob(fsys, mkinitcpioDropIns+"/*.conf")
	slices.SortFunc(dropIns, func(a, b string) int { return versionOrder(path.Base(a), path.Base(b)) })
	var all []assignment
	for _, p := range append([]string{mkinitcpioConf}, dropIns...) {
		if path.Base(p) == mkinitcpioDropIn {
			continue
		}
		list, err := assignments("/"+p, text(fsys, p))
		if err != nil {
			return nil, err
		}
		after := p != mkinitcpioConf && versionOrder(path.Base(p), mkinitcpioDropIn) > 0
		if i := slices.IndexFunc(list, func(a assignment) bool { return a.name == "HOOKS" }); i >= 0 && after {
			return nil, fmt.Errorf("/%s:%d: HOOKS is set after %s, which has to be the last", p, list[i].line, mkinitcpioDropIn)
		}
		all = append(all, list...)
	}
	hooks, err := value(all, "HOOKS")
	if err == nil && len(hooks) == 0 {
		err = fmt.Errorf("/%s: no HOOKS", mkinitcpioConf)
	}
	return hooks, err
}

// presetImages returns the images that a preset makes. Of a unified kernel image, the initrd is a part.
func presetImages(fsys fs.FS, p string) ([]Image, error) {
	all, err := assignments("/"+p, text(fsys, p))
	if err != nil {
		return nil, err
	}
	names, err := value(all, "PRESETS")
	if err != nil {
		return nil, err
	}
	var out []Image
	for _, n := range names {
		for _, v := range []string{n + "_config", "ALL_config"} {
			// With a file of its own, mkinitcpio passes over the drop-ins.
			if words, err := value(all, v); err != nil || len(words) > 0 {
				return nil, fmt.Errorf("/%s sets %s, and so mkinitcpio passes over /%s: take it out", p, v, mkinitcpioDropIns)
			}
		}
		for _, v := range []string{n + "_image", n + "_uki", n + "_efi_image"} {
			words, err := value(all, v)
			if err != nil {
				return nil, err
			}
			for _, w := range words {
				if !path.IsAbs(w) {
					return nil, fmt.Errorf("/%s: %s is not the path of an image: %q", p, v, w)
				}
				out = append(out, Image{Path: path.Clean(w), Kernel: strings.TrimSuffix(path.Base(p), ".preset")})
			}
		}
	}
	return out, nil
}

// versionOrder compares file names as "sort -V" does: runs of digits by number, letters before other characters.
// See gnulib, lib/filevercmp.c.
func versionOrder(a, b string) int {
	a, b = strings.TrimSuffix(a, ".conf"), strings.TrimSuffix(b, ".conf")
	rank := func(s string, i int) int {
		switch {
		case i >= len(s) || digit(s[i]):
			return 0
		case s[i] == '~':
			return -1
		case letter(s[i]) && s[i] != '_':
			return int(s[i])
		}
		return int(s[i]) + 256
	}
	number := func(s string, i int) (n string, end int) {
		for end = i; end < len(s) && digit(s[end]); end++ {
		}
		return strings.TrimLeft(s[i:end], "0"), end
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		for i < len(a) && !digit(a[i]) || j < len(b) && !digit(b[j]) {
			if d := rank(a, i) - rank(b, j); d != 0 {
				return d
			}
			i, j = i+1, j+1
		}
		var x, y string
		x, i = number(a, min(i, len(a)))
		y, j = number(b, min(j, len(b)))
		if d := len(x) - len(y); d != 0 {
			return d
		}
		if d := strings.Compare(x, y); d != 0 {
			return d
		}
	}
	return 0
}
