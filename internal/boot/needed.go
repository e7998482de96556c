package boot

import (
	"slices"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// Held returns the old roots that must stay, with the reason: those of [root.Disk.Held], and those that the files of a store lie
// in that is not there in this session. When it comes back, they are carried over from them. Store has anicca's own records.
func Held(d *root.Disk, r *Record, store *sys.Tree, b *plan.Boot) (map[string]string, error) {
	out := d.Stays()
	if r == nil || len(r.Absent) == 0 {
		return out, nil
	}
	all := d.Ledger().Archive
	for i := range all {
		ids := []string{all[i].UUID}
		if all[i].RAM {
			ids = []string{apply.InMemory, apply.WasInMemory}
		}
		for j := range b.Entries {
			s := &b.Entries[j]
			if out[all[i].ID] != "" || s.Kind != plan.Carry || !slices.Contains(r.Absent, s.Store) {
				continue
			}
			for _, id := range ids {
				there, err := store.Exists(decl.PlacedFile("/", id, s.Path))
				if err != nil {
					return nil, err
				}
				if there {
					out[all[i].ID] = "it has files of the store " + s.Store + ", which is not there"
				}
			}
		}
	}
	return out, nil
}
