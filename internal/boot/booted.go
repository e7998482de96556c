package boot

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"time"

	"anicca/internal/decl"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// bootedPath lies in the store: the next boot reads it there, before it puts the root away.
const bootedPath = decl.StateDir + "/booted.json"

// booted is the root that was the last to boot well.
type booted struct {
	Root   string    `json:"root"` // identity, as the backend tells it
	Kernel string    `json:"kernel,omitempty"`
	BootID string    `json:"bootID"`
	When   time.Time `json:"when"`
}

// readBooted returns the root that was the last to boot well, the zero value if that is not known.
func readBooted(store *sys.Tree) (root.Booted, error) {
	data, err := store.ReadFile(bootedPath)
	if errors.Is(err, fs.ErrNotExist) {
		return root.Booted{}, nil
	}
	if err != nil {
		return root.Booted{}, err
	}
	var b booted
	if json.Unmarshal(data, &b) != nil {
		return root.Booted{}, nil // it only decides what is kept longer
	}
	return root.Booted{Root: b.Root, Kernel: b.Kernel}, nil
}

// noteBooted writes down that the root of this boot came up with everything in place.
func noteBooted(t *sys.Tree, r *Record) error {
	if r.Root == "" || !r.OK() {
		return nil
	}
	return writeBooted(t, path.Join(r.StorePath, bootedPath), r, r.Root)
}

func writeBooted(t *sys.Tree, p string, r *Record, root string) error {
	data, err := json.Marshal(booted{Root: root, Kernel: r.Kernel, BootID: r.BootID, When: time.Now().UTC()})
	if err != nil {
		return err
	}
	return t.WriteFile(p, append(data, '\n'), sys.Mine(0o600))
}
