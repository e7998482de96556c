package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// Persist puts the entries of a boot plan in place in a root whose stores are mounted, and notes how each came out.
// Files are carried over, and adopted, from the roots of earlier sessions. A failing entry does not stop the others.
func Persist(r *Record, d *root.Disk, rootTree *sys.Tree, b *plan.Boot, last root.Booted) {
	old := before(d, r, last)
	defer old.close()
	persistAll(r, rootTree, old, b)
	checkIDs(r, rootTree, b)
}

func persistAll(r *Record, rootTree *sys.Tree, old *earlier, b *plan.Boot) {
	r.Generation = b.Generation
	r.Entries = r.Entries[:0]
	_ = r.timed("entries", func() error {
		carried := carry(r, rootTree, old, b.Entries)
		near, dirs := rootTree.Near(), b.Dirs()
		defer near.Close()
		for _, s := range b.Entries {
			e := Entry{Path: s.Path, State: Placed, Pass: r.pass}
			var err error
			known, mild := len(r.Problems), r.mild
			c, isCarried := carried[s.Path]
			if isCarried {
				e.carried(r, c)
			} else if slices.Contains(r.Absent, s.Store) {
				e.State, e.Error = Absent, "its store "+s.Store+" is not there"
			} else {
				var why string
				if why, err = r.waits(rootTree, dirs, s); why != "" {
					e.State, e.Error = Later, "waits for "+why
				} else if err == nil {
					err = persist(r, near, old, s, &e)
				}
			}
			if err != nil {
				e.State, e.Error = Missed, err.Error()
				r.problem("%s is not kept in this session: %v", s.Path, err)
			}
			if s.Home != nil {
				r.mild = mild + len(r.Problems) - known
			}
			r.Entries = append(r.Entries, e)
		}
		return nil
	})
}

func persist(r *Record, near *sys.Near, old *earlier, s plan.Step, e *Entry) (err error) {
	defer func() {
		if sys.IsLoop(err) {
			err = fmt.Errorf("a directory above it, or above its kept copy, is a symbolic link: declare the path that it leads to (%w)", err)
		}
	}()
	rootTree := near.Tree()
	there, err := near.Exists(s.Source)
	if err != nil {
		return err
	}
	if !there && s.Dir {
		return fmt.Errorf("the kept copy %s is missing", s.Source)
	}
	if !there {
		if r.Made == nil || r.Made.Archive == "" { // the last session, or the copy of it that it became
			e.Adopted, err = apply.AdoptMissing(rootTree, s.Path, rootTree, s)
		}
		if err == nil && !e.Adopted {
			e.Adopted, err = old.adopt(rootTree, s)
		}
		if err != nil {
			return fmt.Errorf("adopt from the old root: %w", err)
		}
		if !e.Adopted {
			e.State = Waiting // programs make it in the root, and the next boot finds it in the old one
			return nil
		}
	}
	if r.pass == Late { // before, no program that keeps anything has run
		if err := guard(rootTree, s, r.When); err != nil {
			return err
		}
	}
	if s.Kind == plan.Symlink && r.Outcome != Done {
		if err := guardFile(rootTree, s); err != nil {
			return err
		}
	}
	if s.Kind == plan.Symlink && r.Outcome == Done {
		sayReplaced(r, rootTree, old, s)
	}
	if s.Kind == plan.Symlink && s.Dir {
		err = linkDir(r, rootTree, s)
	} else {
		err = apply.PlaceNear(near, s)
	}
	if err == nil && s.Enforce {
		if err := apply.Enforce(rootTree, s); err != nil { // it is kept all the same
			r.problem("%v", err)
		}
	}
	return err
}

// linkDir links a kept directory. In a fresh root, what lies there is the base's, so it may be put aside, or covered where that
// cannot be. In another, guardFile has seen that the store has the same. Where programs run, it is always covered: they may have
// something open in it, and what is covered goes on to exist.
func linkDir(r *Record, t *sys.Tree, s plan.Step) error {
	err := apply.Place(t, s)
	if !errors.Is(err, apply.ErrWouldLose) {
		return err
	}
	if r.pass == InInitrd {
		old, err := t.Sub(s.Path)
		if err != nil {
			return err
		}
		defer old.Close()
		if err = apply.Exchange(t, s, old, sys.TempName()); !sys.IsNoExchange(err) {
			return err
		}
	}
	s.Kind = plan.Bind
	r.note("%s is mounted over in this session, not linked: the base has a directory with content there", s.Path)
	return apply.Place(t, s)
}

// guardFile refuses to replace a file or directory, in a root that was not reset, that holds what the store does not have:
// a program has replaced our link by it.
func guardFile(t *sys.Tree, s plan.Step) error {
	there, err := t.Stat(s.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !there.IsFile() && !there.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	if ok, err := sys.MountedFrom(t, s.Source, t, s.Path); err == nil && ok && s.Dir { // of an earlier try of this boot
		return nil
	}
	if empty, err := t.Empty(s.Path); err != nil || empty && there.IsDir() {
		return err
	}
	diff, err := sys.Compare(t, s.Path, t, s.Source, 1)
	if err != nil {
		return err
	}
	if len(diff) > 0 && diff[0].What != sys.TimeDiffers {
		return fmt.Errorf("a program has replaced the link by something that differs from %s: compare both, then move one away and run 'anicca apply'", s.Source)
	}
	return nil
}
