package apply

import (
	"fmt"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Enforce gives an entry's kept copy the declared owner and mode, and a plain copy of it at the path too.
// It is the only way in which anicca changes those of something that it has not made.
func Enforce(root *sys.Tree, s plan.Step) error {
	err := root.Adjust(s.Source, func(has sys.Perm) sys.Perm { return override(has, s.Perm) })
	if err != nil {
		return fmt.Errorf("give %s: %w", s.Path, err)
	}
	there, err := root.Stat(s.Path)
	if err != nil || there.IsDir() || there.IsLink() {
		return ignoreMissing(err)
	}
	return root.Adjust(s.Path, func(has sys.Perm) sys.Perm { return override(has, s.Perm) })
}
