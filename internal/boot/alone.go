package boot

import (
	"errors"
	"time"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// patience is how long a boot waits for a program that changes stores. Then it goes on beside it, as logins wait for the boot.
var patience = 30 * time.Second

// alone takes the locks of the stores, so that nobody applies a plan meanwhile: two that put an entry in place at once mount it twice.
func (r *Record) alone(t *sys.Tree, b *plan.Boot) (done func()) {
	var locks []func()
	end := time.Now().Add(patience)
	for _, s := range b.Stores {
		if is, err := mounted(t, s.Path); err != nil || !is { // what lies in its place must not be taken for it
			continue
		}
		unlock, err := apply.Lock(t, s.Path)
		for errors.Is(err, sys.ErrLocked) && time.Now().Before(end) {
			time.Sleep(100 * time.Millisecond)
			unlock, err = apply.Lock(t, s.Path)
		}
		switch {
		case errors.Is(err, sys.ErrLocked):
			r.note("this boot did not wait any longer for a program that changes %s", s.Path)
		case err == nil: // else it takes no writes
			locks = append(locks, unlock)
		}
	}
	return func() {
		for _, unlock := range locks {
			unlock()
		}
	}
}
