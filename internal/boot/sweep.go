package boot

import (
	"errors"
	"io/fs"
	"path"
	"time"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// sweep removes what earlier sessions left unfinished beside entries and kept copies, when their power went. Nothing that was
// begun before this boot can be finished by anybody any more.
func sweep(r *Record, t *sys.Tree, b *plan.Boot, booted time.Time) {
	seen := map[string]bool{}
	for _, s := range b.Entries {
		if dir := path.Dir(s.Path); r.Outcome == Done && s.Kind == plan.Symlink && s.Dir && !seen[dir] {
			// What the base has in the place of a link was put aside in this boot.
			seen[dir] = true
			if err := t.Sweep(dir, time.Now()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				r.note("what the base has in the place of links in %s is still there: %v", dir, err)
			}
		}
	}
	for _, s := range b.Entries {
		for _, dir := range []string{path.Dir(s.Path), path.Dir(s.Source)} {
			if seen[dir] {
				continue
			}
			seen[dir] = true
			if err := t.Sweep(dir, booted); err != nil && !errors.Is(err, fs.ErrNotExist) {
				r.note("what was left unfinished in %s is still there: %v", dir, err)
			}
		}
	}
}
