package changes

import (
	"slices"

	"anicca/internal/sys"
)

// origin finds how a root comes from a base, and returns the transaction since which they can differ, and whether what was written to
// the base since then counts too.
func origin(s *sys.Search, base, root sys.Subvolume) (since uint64, both bool, err error) {
	all, err := s.Volumes()
	if err != nil {
		return 0, false, err
	}
	a, b := line(all, base), line(all, root)
	for i, v := range b {
		j := slices.IndexFunc(a, func(o sys.Subvolume) bool { return o.UUID == v.UUID })
		switch {
		case j < 0:
			continue
		case j == 0 && base.ReadOnly:
			// All of the base was written until it was made, and never since, though its generation grows with every snapshot of it.
			return base.Transaction + 1, false, nil
		}
		// What is written while a snapshot is made, in the same transaction, can come after it.
		since := ^uint64(0)
		if i > 0 {
			since = b[i-1].Transaction
		}
		if j > 0 {
			since = min(since, a[j-1].Transaction)
		}
		return since, true, nil
	}
	return 0, false, ErrUnrelated
}

// line lists a subvolume and what it is a snapshot of, and so on; of the last, which may be gone, only the UUID is known.
func line(all []sys.Subvolume, v sys.Subvolume) []sys.Subvolume {
	out := []sys.Subvolume{v}
	for v.Parent != "" && len(out) <= len(all)+1 {
		i := slices.IndexFunc(all, func(o sys.Subvolume) bool { return o.UUID == v.Parent })
		if i < 0 {
			return append(out, sys.Subvolume{UUID: v.Parent})
		}
		v = all[i]
		out = append(out, v)
	}
	return out
}
