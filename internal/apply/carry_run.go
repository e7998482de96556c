package apply

import (
	"time"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// carryAll does the Carry steps of a plan on a running system, all at once: account databases are one set.
func carryAll(root *sys.Tree, steps []plan.Step) (map[string]Carried, error) {
	n := 0
	for i := range steps {
		if steps[i].Kind == plan.Carry {
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	mine := make([]plan.Step, 0, n)
	for _, s := range steps {
		if s.Kind == plan.Carry {
			mine = append(mine, s)
		}
	}
	c := &Carrier{Root: root, Store: mine[0].Main, ID: mine[0].Root, Parts: mine[0].Volumes, Now: time.Now()}
	return c.all(mine)
}
