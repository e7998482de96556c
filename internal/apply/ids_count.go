package apply

import (
	"path"
	"slices"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// Owner is how much of a store belongs to the old number of an account.
type Owner struct {
	decl.Moved
	Store string
	Count int    // of files and directories
	Path  string // one of them
}

// Owners counts what belongs to the old numbers of accounts that have others now.
func Owners(root *sys.Tree, stores []string) ([]Owner, error) {
	now, err := AccountIDs(root)
	if err != nil {
		return nil, err
	}
	var out []Owner
	for _, store := range stores {
		was, err := ReadIDs(root, store)
		if err != nil {
			return nil, err
		}
		first := len(out)
		for _, m := range was.Moved(now) {
			out = append(out, Owner{Moved: m, Store: store})
		}
		if err := count(root, store, out[first:]); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(out, func(o Owner) bool { return o.Count == 0 }), nil
}

func count(root *sys.Tree, store string, owners []Owner) error {
	if len(owners) == 0 {
		return nil
	}
	t, err := root.Sub(store)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Walk(func(p string, s sys.Stat) error {
		for i, o := range owners {
			if !o.Owns(int(s.Uid), int(s.Gid)) {
				continue
			}
			if owners[i].Count++; o.Path == "" {
				owners[i].Path = path.Join(store, p)
			}
		}
		return nil
	})
}
