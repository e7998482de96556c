package archive

import (
	"errors"
	"time"

	"anicca/internal/root"
)

// Drop drops what the verdicts say, with a pause between two roots, and makes it last in one commit.
// A root that cannot be dropped stays, and the others go on. Stop is asked before each: its error ends that; nil if
// nobody can stop it.
func Drop(b *root.Disk, verdicts []Verdict, now time.Time, pause time.Duration, stop func() error, tell func(Verdict, error)) error {
	var errs []error
	dropped := false
	for _, v := range verdicts {
		if !v.Drop {
			continue
		}
		if dropped {
			time.Sleep(pause)
		}
		if stop != nil {
			if err := stop(); err != nil {
				errs = append(errs, err)
				break
			}
		}
		err := b.Drop(v.ID, now)
		if err != nil {
			errs = append(errs, err)
		}
		dropped = dropped || err == nil
		tell(v, err)
	}
	if dropped {
		errs = append(errs, b.Settle(now))
	}
	return errors.Join(errs...)
}
