package boot

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// While the booted system puts in place what comes late, nobody else does; and it waits for nobody for ever.
func TestLateIsAlone(t *testing.T) {
	entry := plan.Step{Path: "/srv/films", Store: "/bulk", Phase: decl.PhaseLate}
	t.Run("nobody else is at work", func(t *testing.T) {
		d := newLate(t, decl.Required, entry)
		d.attach()
		var free []string
		asking, asked := false, 0
		sys.Fault = func(op, p string) error {
			if asking || !strings.Contains(p, entry.Path) || strings.Contains(p, "/bulk") {
				return nil
			}
			asking = true
			defer func() { asking = false }()
			asked++
			for _, store := range []string{"/persist", "/bulk"} {
				if unlock, err := apply.Lock(d.root, store); !errors.Is(err, sys.ErrLocked) {
					free = append(free, op+" "+p+" while "+store+" is free")
					if err == nil {
						unlock()
					}
				}
			}
			return nil
		}
		defer func() { sys.Fault = nil }()
		d.later(FinishLate)
		d.stands("late", entry.Path, Placed, Late)
		if asked == 0 || len(free) > 0 {
			t.Errorf("of %d calls, %d: %q", asked, len(free), free)
		}
		sys.Fault = nil
		for _, store := range []string{"/persist", "/bulk"} {
			unlock, err := apply.Lock(d.root, store)
			must(t, err) // it is free again
			unlock()
		}
	})
	t.Run("somebody does not end", func(t *testing.T) {
		was := patience
		patience = 0
		defer func() { patience = was }()
		d := newLate(t, decl.Required, entry)
		d.attach()
		unlock, err := apply.Lock(d.root, "/bulk")
		must(t, err)
		defer unlock()
		d.later(FinishLate)
		d.stands("late", entry.Path, Placed, Late)
		if !slices.Contains(d.r.Notes, "this boot did not wait any longer for a program that changes /bulk") || !d.r.OK() {
			t.Errorf("%q %q", d.r.Notes, d.r.Problems)
		}
	})
}
