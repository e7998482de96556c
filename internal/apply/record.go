package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// record writes the next generation and makes it the current one.
// The link is switched last, so a power cut leaves the old generation or the new, whole.
func record(root *sys.Tree, s plan.Step) error {
	if err := mkStateDir(root, s.Store); err != nil {
		return err
	}
	gens := path.Join(s.Store, decl.StateDir, "generations")
	private := func(string) sys.Perm { return sys.Perm{Mode: 0o700} }
	if err := root.MkdirAll(gens, private); err != nil {
		return err
	}
	names, err := root.List(gens)
	if err != nil {
		return err
	}
	b := *s.Boot
	for _, n := range names {
		if i, err := strconv.Atoi(n); err == nil && i >= b.Generation {
			b.Generation = i
		}
	}
	b.Generation++
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	dir := path.Join(gens, strconv.Itoa(b.Generation))
	if err := root.MkdirAll(dir, private); err != nil {
		return err
	}
	if err := root.WriteFile(path.Join(dir, "boot.json"), append(data, '\n'), sys.Perm{Mode: 0o600}); err != nil {
		return err
	}
	store, err := root.Sub(s.Store)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Sync(); err != nil {
		return err
	}
	if err := store.Symlink(path.Join("generations", strconv.Itoa(b.Generation)), path.Join(decl.StateDir, "current")); err != nil {
		return err
	}
	return store.Sync()
}

// Current reads the boot plan of the store's current generation. It is nil if nothing was applied yet.
func Current(store *sys.Tree) (*plan.Boot, error) {
	link, err := store.Readlink(path.Join(decl.StateDir, "current"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data, err := store.ReadFile(path.Join(decl.StateDir, link, "boot.json"))
	if err != nil {
		return nil, fmt.Errorf("boot plan: %w", err)
	}
	return plan.DecodeBoot(data)
}
