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
	linked := map[string]bool{} // what the base has in the place of a link was put aside in this boot; later, others are at work
	for _, s := range b.Entries {
		if r.Outcome == Done && r.pass != Late && s.Kind == plan.Symlink && s.Dir {
			linked[path.Dir(s.Path)] = true
		}
	}
	for _, s := range b.Entries {
		for _, dir := range []string{path.Dir(s.Path), path.Dir(s.Source)} {
			if seen[dir] {
				continue
			}
			seen[dir] = true
			began := booted
			if linked[dir] {
				began = time.Now()
			}
			if err := t.Sweep(dir, began); err != nil && !errors.Is(err, fs.ErrNotExist) && !sys.IsLoop(err) {
				r.note("what was left unfinished in %s is still there: %v", dir, err)
			}
		}
	}
}
