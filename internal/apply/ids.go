package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// ReadIDs reads to whom the data of a store was given. It is nil if nobody has written that down.
func ReadIDs(root *sys.Tree, store string) (*decl.IDs, error) {
	p := path.Join(store, decl.IDsFile)
	data, err := root.ReadFile(p)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	ids, err := decl.DecodeIDs(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return ids, nil
}

func writeIDs(root *sys.Tree, store string, ids *decl.IDs) error {
	if err := mkStateDir(root, store); err != nil {
		return err
	}
	data, err := json.MarshalIndent(ids, "", "\t")
	if err != nil {
		return err
	}
	return root.WriteFile(path.Join(store, decl.IDsFile), append(data, '\n'), sys.Mine(0o600))
}

// AccountIDs reads the numbers of the accounts of a machine.
func AccountIDs(root *sys.Tree) (*decl.IDs, error) {
	var text [2]string
	for i, p := range []string{"/etc/passwd", "/etc/group"} {
		data, err := root.ReadFile(p)
		if ignoreMissing(err) != nil {
			return nil, err
		}
		text[i] = string(data)
	}
	return decl.ParseIDs(text[0], text[1]), nil
}

// LearnIDs writes down the accounts of the machine for a store, and returns those that kept data belongs to, and that now have
// another number or whose number another has.
func LearnIDs(root *sys.Tree, store string) ([]decl.Moved, error) {
	was, err := ReadIDs(root, store)
	if err != nil {
		return nil, err
	}
	now, err := AccountIDs(root)
	if err != nil {
		return nil, err
	}
	moved := was.Moved(now)
	if len(moved) > 0 {
		if moved, err = owned(root, store, moved); err != nil {
			return nil, err
		}
	}
	next := was.Learn(now, moved)
	if was != nil && was.Equal(next) {
		return moved, nil
	}
	if err = writeIDs(root, store, next); sys.IsReadOnly(err) { // then nobody's data comes into it either
		err = nil
	}
	return moved, err
}

var errFound = errors.New("all are found")

// owned returns the accounts by whose old number something in the store is owned.
func owned(root *sys.Tree, store string, moved []decl.Moved) ([]decl.Moved, error) {
	t, err := root.Sub(store)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	found, n := make([]bool, len(moved)), 0
	err = t.Walk(func(_ string, s sys.Stat) error {
		for i, m := range moved {
			if !found[i] && m.Owns(int(s.Uid), int(s.Gid)) {
				found[i] = true
				n++
			}
		}
		if n == len(moved) {
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	var out []decl.Moved
	for i, m := range moved {
		if found[i] {
			out = append(out, m)
		}
	}
	return out, nil
}

// Applied returns the boot plan that is recorded in one of the stores, and which of its stores are there. It is nil if there is none.
func Applied(root *sys.Tree, stores []decl.Store) (*plan.Boot, []string, error) {
	for _, s := range stores {
		t, err := root.Sub(s.Path)
		if ignoreMissing(err) != nil {
			return nil, nil, err
		}
		if err != nil {
			continue
		}
		b, err := Current(t)
		t.Close()
		if err != nil {
			return nil, nil, err
		}
		if b == nil {
			continue
		}
		var there []string
		for _, s := range b.Stores {
			if ok, err := root.IsMount(s.Path); err != nil {
				return nil, nil, err
			} else if ok {
				there = append(there, s.Path)
			}
		}
		return b, there, nil
	}
	return nil, nil, nil
}

// AcceptIDs writes down the accounts as they are, for a store whose data stays as it is.
func AcceptIDs(root *sys.Tree, store string) error {
	unlock, err := waitLock(root, store)
	if err != nil {
		return err
	}
	defer unlock()
	was, err := ReadIDs(root, store)
	if err != nil {
		return err
	}
	if was != nil && was.Moving != nil {
		return fmt.Errorf("%s: a change of owners was interrupted, and has to be ended first: run 'anicca apply --ids give'", store)
	}
	now, err := AccountIDs(root)
	if err != nil {
		return err
	}
	return writeIDs(root, store, was.Learn(now, nil))
}
