package config

import (
	"path"
	"slices"

	"anicca/internal/decl"
)

// ofPackages are the directories that packages own as a whole; each in / may be a link to the one in /usr.
var ofPackages = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "share", "include"}

// software warns of what packages bring. The base has it, together with the database that says which packages there are: kept by itself, one of them is of
// another day than the other after the next upgrade, or after going back to an older base.
func (h *hoster) software() {
	for _, s := range h.host.Stores {
		for _, e := range s.Entries {
			if e.Kind != decl.Directory || !packaged(e.Path) {
				continue
			}
			h.host.Notes = append(h.host.Notes, decl.Problem{
				Pos: e.Pos, Path: e.Path,
				Msg: e.Path + ": packages bring what lies in it, and the base has it too: kept, it stays as it is when the base is made anew or gone back to. " +
					"'anicca base new' keeps what you install",
			})
		}
	}
}

func packaged(p string) bool {
	switch dir, name := path.Split(p); {
	case p == "/usr", p == "/boot":
		return true
	case dir == "/" || dir == "/usr/":
		return slices.Contains(ofPackages, name)
	case dir == "/var/lib/":
		return slices.Contains([]string{"dpkg", "pacman", "rpm", "apk"}, name)
	}
	return p == "/usr/lib/modules"
}
