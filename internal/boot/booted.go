package boot

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"time"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// bootedPath lies in the store: the next boot reads it there, before it puts the root away.
const bootedPath = decl.StateDir + "/booted.json"

// booted is the root that was the last to boot well.
type booted struct {
	Root   string    `json:"root"` // identity, as the backend tells it
	BootID string    `json:"bootID"`
	When   time.Time `json:"when"`
}

// readBooted returns the identity of the root that was the last to boot well, "" if that is not known.
func readBooted(store *sys.Tree) (string, error) {
	data, err := store.ReadFile(bootedPath)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var b booted
	if json.Unmarshal(data, &b) != nil {
		return "", nil // it only decides what is kept longer
	}
	return b.Root, nil
}

// noteBooted writes down that the root of this boot came up with everything in place.
func noteBooted(t *sys.Tree, r *Record) error {
	if r.Root == "" || !r.OK() {
		return nil
	}
	data, err := json.Marshal(booted{Root: r.Root, BootID: r.BootID, When: time.Now().UTC()})
	if err != nil {
		return err
	}
	return t.WriteFile(path.Join(r.Store, bootedPath), append(data, '\n'), sys.Perm{Mode: 0o600})
}
