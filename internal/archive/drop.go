package archive

import (
	"context"
	"errors"
	"time"

	"anicca/internal/root"
)

// Drop drops what the verdicts say, with a pause between two roots, and makes it last in one commit.
// A root that cannot be dropped stays, and the others go on. When ctx ends, so does that, with its error.
func Drop(ctx context.Context, b *root.Disk, verdicts []Verdict, now time.Time, pause time.Duration, tell func(Verdict, error)) error {
	var errs []error
	dropped := false
	for _, v := range verdicts {
		if !v.Drop {
			continue
		}
		if dropped {
			time.Sleep(pause)
		}
		if err := ctx.Err(); err != nil {
			errs = append(errs, err)
			break
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
