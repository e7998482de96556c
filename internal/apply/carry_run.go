package apply

import (
	"time"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// carryAll does the Carry steps of a plan on a running system, all at once: account databases are one set.
func carryAll(root *sys.Tree, steps []plan.Step) (map[string]Carried, error) {
	var mine []plan.Step
	for _, s := range steps {
		if s.Kind == plan.Carry {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return nil, nil
	}
	c := NewCarrier(root, mine[0].Main, mine[0].Root, time.Now(), nil)
	out := map[string]Carried{}
	for i, r := range c.Carry(mine) {
		out[mine[i].Path] = r
	}
	return out, c.Commit()
}
