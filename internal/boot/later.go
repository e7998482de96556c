package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Pass is the part of a boot that put an entry in place.
type Pass string

const (
	InInitrd Pass = ""      // before the first process of the system
	Early    Pass = "early" // anicca.service: after the local filesystems, before every ordinary service
	Late     Pass = "late"  // anicca-late.service: before logins
)

// waits says what an entry is left for, for now; "" if it can be put in place. It is an error if it never can in this boot.
func (r *Record) waits(t *sys.Tree, dirs plan.Dirs, s plan.Step) (string, error) {
	if o := dirs.Around(s.Path); o != nil {
		switch state := r.stateOf(o.Path); {
		case state == Later, state == Absent && (r.pass == InInitrd || slices.Contains(r.Left, o.Store)):
			return o.Path + ", in which it lies", nil
		}
	}
	if s.Under == "" {
		return "", nil
	}
	if r.pass != InInitrd {
		if is, err := mounted(t, s.Under); is || err != nil {
			return "", err
		}
	}
	if r.pass == InInitrd || r.pass == Early && s.Phase == decl.PhaseLate {
		return "the filesystem of " + s.Under, nil
	}
	return "", fmt.Errorf("the filesystem of %s, in which it lies, is not mounted: mount it, then run 'anicca apply'", s.Under)
}

func (r *Record) stateOf(p string) State {
	for _, e := range r.Entries {
		if e.Path == p {
			return e.State
		}
	}
	return ""
}

// mounted reports whether something is mounted at a directory.
func mounted(t *sys.Tree, p string) (bool, error) {
	m, err := t.MountOf(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && m.Mountpoint == t.Path(p), err
}

// arrived forgets about stores that were absent before and have been mounted since.
func arrived(r *Record, t *sys.Tree) {
	come := func(store string) bool {
		is, err := mounted(t, store)
		return is && err == nil
	}
	r.Left = slices.DeleteFunc(r.Left, come)
	r.Absent = slices.DeleteFunc(r.Absent, func(store string) bool {
		if !come(store) {
			return false
		}
		r.Problems = without(r.Problems, "the store "+store+" is not there")
		r.Notes = without(r.Notes, "the store "+store+" is not there")
		for i, e := range r.Entries {
			if e.State == Absent {
				r.Entries[i].State = Missed // for now: it is put in place next
			}
		}
		return true
	})
}

// overdue gives up on stores that were left for later and should be there by now.
func overdue(r *Record, b *plan.Boot) {
	r.Left = slices.DeleteFunc(r.Left, func(store string) bool {
		i := slices.IndexFunc(b.Stores, func(s plan.BootStore) bool { return s.Path == store })
		if i < 0 || r.pass == Early && b.Late(b.Stores[i]) {
			return i < 0
		}
		r.absent(b.Stores[i], errors.New("nothing is mounted there"))
		return true
	})
}

// absent notes that a store is not there.
func (r *Record) absent(s plan.BootStore, err error) {
	switch s.Need {
	case decl.Degraded:
		r.problem("the store %s is not there, so this session does without what it keeps: %v", s.Path, err)
	case decl.Optional:
		r.note("the store %s is not there: %v", s.Path, err)
	default:
		r.problem("the store %s is not there, and is required: %v", s.Path, err)
	}
	if !slices.Contains(r.Absent, s.Path) {
		r.Absent = append(r.Absent, s.Path)
	}
}

// Open reports whether something is left for a later part of the boot.
func (r *Record) Open() bool {
	return len(r.Left) > 0 || slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.State == Later })
}

// fetch waits until systemd has mounted what is still missed, or has given up. Mounts that may be missing come before no target.
func fetch(r *Record, b *plan.Boot) {
	var want []string
	for _, s := range b.Stores {
		if slices.Contains(r.Left, s.Path) && s.Need != decl.Optional && !slices.Contains(s.Options, "noauto") {
			want = append(want, s.Path)
		}
	}
	for _, s := range b.Entries {
		if s.Under != "" && r.stateOf(s.Path) == Later && !slices.Contains(want, s.Under) {
			want = append(want, s.Under)
		}
	}
	if sys.Program("systemctl") == "" {
		return
	}
	for _, p := range want {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		_, _ = sys.Run(ctx, "systemctl", "--no-ask-password", "start", p) // whether it is there is looked at next
		cancel()
	}
}
