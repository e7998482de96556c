package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// cover returns the mount that hides an entry, or that it would be put into: one over its place, or over a directory above it,
// that neither the boot plan nor the initrd has made. It is nil if there is none. Ours is how many mounts at its place are known.
func cover(t *sys.Tree, b *plan.Boot, s plan.Step, ours int) (*sys.Mount, error) {
	if s.Kind == plan.Carry || s.Kind == plan.Copy {
		return nil, nil
	}
	root, err := t.MountOf("/")
	if err != nil {
		return nil, err
	}
	at, err := t.MountOf(s.Path)
	if err != nil || at.ID == root.ID {
		return nil, err
	}
	if at.Mountpoint == t.Path(s.Path) {
		if n, err := t.MountsAt(s.Path); err != nil || n <= ours {
			return nil, err
		}
		return at, nil
	}
	for up := path.Dir(s.Path); up != "/"; up = path.Dir(up) {
		if at.Mountpoint == t.Path(up) && (up == s.Under || slices.ContainsFunc(b.Volumes, func(v plan.BootVolume) bool { return v.Path == up }) ||
			slices.ContainsFunc(b.Entries, func(e plan.Step) bool { return e.Path == up })) {
			return nil, nil
		}
	}
	return at, nil
}

// uncover puts an entry in place again that a filesystem has covered, on top of that, if it hides nothing there.
func uncover(r *Record, t *sys.Tree, s plan.Step, over *sys.Mount) error {
	by := fmt.Sprintf("%s (%s), mounted at %s after it,", over.Source, over.FSType, over.Mountpoint)
	empty, err := t.Empty(s.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s covers it, and cannot be looked at: %w", by, err)
	}
	if err == nil && !empty {
		return fmt.Errorf("%s covers it with what lies there: compare that with %s, move the one away that you do not want, then run 'anicca apply'", by, s.Source)
	}
	if err := apply.Place(t, s); err != nil {
		return fmt.Errorf("%s covers it: %w", by, err)
	}
	r.note("%s was covered: %s had hidden it, and it is in place again on top of that; 'anicca apply' lets the next boot wait for that filesystem", s.Path, by)
	return nil
}

// guard refuses to cover what programs have written in this session where an entry comes late. What lay there before, the
// base has, or an apply has looked at.
func guard(t *sys.Tree, s plan.Step, booted time.Time) error {
	if empty, err := t.Empty(s.Path); s.Kind == plan.Copy || err == nil && empty {
		return nil
	}
	p, err := t.Newer(s.Path, booted)
	if errors.Is(err, fs.ErrNotExist) || err == nil && p == "" {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s was written in this session, before the kept copy could be put in place: compare it with %s, move it away, then run 'anicca apply'",
		path.Join(s.Path, p), s.Source)
}
