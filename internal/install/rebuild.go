package install

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"anicca/internal/sys"
)

// rebuild makes one image and looks into it, or all images where the generator makes them at once.
func rebuild(ctx context.Context, g Generator, s Step) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	command := map[Generator][]string{
		InitramfsTools:    {"update-initramfs", "-u", "-k", s.Arg},
		Dracut:            {"dracut", "--force", s.Path, s.Arg},
		Mkinitcpio:        {"mkinitcpio", "-P"},
		MkinitcpioSystemd: {"mkinitcpio", "-P"},
	}[g]
	if _, err := sys.Run(ctx, command[0], command[1:]...); err != nil {
		return err
	}
	if s.Path == "" {
		return nil
	}
	return inspect(ctx, g, s.Path)
}

// mustHold are the ends of the paths of what an initrd has to hold, beside the program.
var mustHold = map[Generator][]string{
	InitramfsTools:    {"scripts/local-premount/anicca", "scripts/local-bottom/anicca"},
	Dracut:            {"sysroot.mount.requires/anicca-reset.service", "initrd-root-fs.target.requires/anicca-persist.service"},
	Mkinitcpio:        {"hooks/anicca"},
	MkinitcpioSystemd: {"sysroot.mount.requires/anicca-reset.service", "initrd-root-fs.target.requires/anicca-persist.service"},
}

// inspect makes sure that an initrd holds the program, and what starts it: generators go on when a hook fails.
func inspect(ctx context.Context, g Generator, p string) error {
	in, err := readImage(ctx, p)
	if err != nil {
		return err
	}
	missing := func(what string) error {
		return fmt.Errorf("%s was rebuilt, but %s is not in it: run the generator by hand, read what it says, and run 'anicca init' again", p, what)
	}
	if !holds(in, func(name string, m member) bool {
		dir, base := path.Split(name)
		return base == "anicca-init" && strings.HasSuffix(dir, "bin/") && m.mode&0o170100 == 0o100100 && m.size > 0
	}) {
		return missing("the program anicca-init")
	}
	for _, end := range mustHold[g] {
		if !holds(in, func(name string, _ member) bool { return name == end || strings.HasSuffix(name, "/"+end) }) {
			return missing(end)
		}
	}
	return nil
}

func holds(in map[string]member, f func(string, member) bool) bool {
	for name, m := range in {
		if f(name, m) {
			return true
		}
	}
	return false
}
