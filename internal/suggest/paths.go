package suggest

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"anicca/internal/decl"
)

// paths proposes what units, tmpfiles.d and packages name, and no preset keeps.
func (t *thinker) paths() {
	for _, u := range t.m.Units {
		for _, d := range u.State {
			reason := enabled(u) + " and names it as its state (StateDirectory=)"
			if !t.m.Data[d] {
				reason += "; nothing lies there yet"
			}
			t.path(d, decl.Directory, reason)
		}
		for _, c := range u.Configuration {
			if c.Own != "" {
				t.path(c.Path, decl.Directory, enabled(u)+" and is configured there (ConfigurationDirectory=); no package brought "+c.Own)
			}
		}
	}
	for _, d := range t.m.Made {
		if t.m.Data[d.Path] && slices.ContainsFunc(stateDirs, func(s string) bool { return d.Path != s && within(d.Path, s) }) {
			t.path(d.Path, decl.Directory, d.By+" makes it, and it holds data")
		}
	}
	for _, c := range t.m.Changed {
		t.path(c.Path, decl.File, "it is not as the package "+c.Package+" brought it; the base has it as it was when that was made")
	}
}

// stateDirs are where directories of tmpfiles.d are state.
var stateDirs = []string{"/var/lib", "/var/spool", "/var/opt", "/srv"}

// ofBase are directories that belong to /usr: kept apart from it, they would say something else than is installed.
var ofBase = []string{
	"/var/lib/apt", "/var/lib/dbus", "/var/lib/dnf", "/var/lib/dpkg", "/var/lib/initramfs-tools", "/var/lib/PackageKit", "/var/lib/pacman",
	"/var/lib/rpm", "/var/lib/ucf", "/var/lib/zypp", "/boot", "/efi", "/usr",
}

// path proposes one path, unless it is kept already, or would be.
func (t *thinker) path(p string, kind decl.Kind, reason string) {
	for i, other := range t.report.Proposals {
		if other.Path == p {
			t.report.Proposals[i].Reasons = append(other.Reasons, reason)
			return
		}
	}
	inside := func(d string) bool { return within(p, d) }
	switch {
	case !plain(p), slices.ContainsFunc(ofBase, inside), slices.ContainsFunc(t.kept, inside), !t.wanted([]string{p}):
		return
	case slices.ContainsFunc(t.kept, func(k string) bool { return within(k, p) }):
		return // a part of it is kept by what knows better
	}
	for _, h := range t.m.Homes {
		if inside(h.Home) {
			return
		}
	}
	t.propose(Proposal{Path: p, Kind: kind, Tier: decl.TierKeep, Reasons: []string{reason}}, p)
}

// plain reports whether a path can stand in a declaration.
func plain(p string) bool {
	return utf8.ValidString(p) && path.IsAbs(p) && path.Clean(p) == p && p != "/" &&
		!strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f })
}
