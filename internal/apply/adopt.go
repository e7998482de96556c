package apply

import (
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// adopt copies what lies at the path at in one root into the store that another has mounted.
// On a running system both are the same; in the initrd the first may be an old root, or a part of one.
func adopt(from *sys.Tree, at string, root *sys.Tree, s plan.Step) error {
	if err := parents(root, s, true); err != nil {
		return err
	}
	return sys.Copy(from, at, root, s.Source)
}

// AdoptMissing copies a file entry that lies at the path at in an old root into the store if the store has none,
// and reports whether it did. Programs may have made the file after the last apply.
func AdoptMissing(old *sys.Tree, at string, root *sys.Tree, s plan.Step) (bool, error) {
	if there, err := root.Exists(s.Source); err != nil || there {
		return false, err
	}
	found, err := old.Stat(at)
	if err != nil || s.Dir || !found.IsFile() || found.Size == 0 {
		return false, ignoreMissing(err)
	}
	return true, adopt(old, at, root, s)
}

// create makes an empty kept directory.
func create(root *sys.Tree, s plan.Step) error {
	if err := parents(root, s, true); err != nil {
		return err
	}
	return root.Mkdir(s.Source, override(fresh(s.Path, s.Home), s.Perm))
}
