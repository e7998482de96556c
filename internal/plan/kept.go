package plan

import "slices"

// notOfRoot are directories that hold nothing of a root: they are mounted over, or made anew, at every boot.
var notOfRoot = []string{"/proc", "/sys", "/dev", "/run", "/tmp", "/anicca"}

// Kept returns the paths that a reset is not about, each with all below it: entries, stores, and what no root holds.
func (b *Boot) Kept() []string {
	out := slices.Clone(notOfRoot)
	for _, s := range b.Stores {
		out = append(out, s.Path)
	}
	for _, e := range b.Entries {
		out = append(out, e.Path)
	}
	return out
}
