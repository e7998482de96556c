package config

import (
	"slices"

	"anicca/internal/decl"
)

// first are what systemd's own process and its generators read before any service, and before the booted system could put
// anything in place; see systemd(1), hostname(5), locale.conf(5) and systemd-fstab-generator(8).
var first = []string{
	decl.MachineID, "/etc/hostname", "/etc/locale.conf", "/etc/localtime", "/etc/fstab", "/etc/crypttab", "/etc/systemd", "/etc/selinux",
}

// phaseOf is when an entry has to be in place of which nobody says so.
func phaseOf(p string) decl.Phase {
	if slices.ContainsFunc(first, func(f string) bool { return within(p, f) || within(f, p) }) {
		return decl.PhaseInitrd
	}
	return decl.PhaseEarly
}
