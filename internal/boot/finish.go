package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// bannerPath is shown by login programs that know motd.d.
var bannerPath = "/run/motd.d/10-anicca"

// Finish runs in the booted system after the local filesystems.
// It puts in place what the initrd could not, verifies every entry again,
// and leaves a banner for whoever logs in if something is wrong.
func Finish(dir, recordPath string) (*Record, error) { return finishAs(Early, dir, recordPath) }

// FinishLate does so again before logins, when it was long enough to wait.
func FinishLate(dir, recordPath string) (*Record, error) { return finishAs(Late, dir, recordPath) }

func finishAs(pass Pass, dir, recordPath string) (*Record, error) {
	r, err := ReadRecord(recordPath)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("there is no record of this boot: neither the initrd nor init= on the kernel command line runs anicca; 'anicca init' sees to that")
	}
	if r.Outcome == Off || r.Outcome == Unset {
		return r, nil
	}
	r.pass = pass
	t, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if err := finish(r, t); err != nil {
		r.problem("kept state is not in place: %v", err)
	}
	if !r.Open() {
		if err := noteBooted(t, r); err != nil {
			r.problem("that this root booted well could not be written down: %v", err)
		}
	}
	if r.Root != "" && r.OK() && len(r.Absent) == 0 {
		if err := apply.PruneCarried(t, r.StorePath, r.CarryID()); err != nil {
			r.note("what is remembered of older roots could not be removed: %v", err)
		}
	}
	r.Finished = true
	err = errors.Join(r.Write(recordPath), r.banner())
	if err == nil && r.StorePath != "" {
		err = apply.Heard(t, r.StorePath)
	}
	return r, err
}

func finish(r *Record, t *sys.Tree) error {
	if r.StorePath == "" {
		return errors.New("the initrd did not find the store")
	}
	store, err := t.Sub(r.StorePath)
	if err != nil {
		return err
	}
	defer store.Close()
	b, err := apply.Current(store)
	if err != nil || b == nil {
		return err
	}
	soft := softReboots()
	if soft > r.Soft {
		r.Soft = soft
		r.note("this session was begun by a soft-reboot, which does not go through the initrd: the root was not reset")
	} else {
		soft = 0
	}
	if r.pass == Late {
		if t.Name() == "/" {
			fetch(r, b)
		}
		defer r.alone(t, b)()
		if b, err = apply.Current(store); err != nil || b == nil { // another may have been applied meanwhile
			return err
		}
	}
	arrived(r, t)
	overdue(r, b)
	r.at = t.Name()
	old := &earlier{}
	if len(r.Entries) == 0 || slices.ContainsFunc(b.Entries, func(s plan.Step) bool { return !s.Dir && isMissed(r, s.Path) }) {
		var let func()
		old, let = lookBefore(r, store)
		defer let()
	}
	old.rest = len(r.Entries) > 0
	if len(r.Entries) == 0 { // the initrd did not come as far
		persistAll(r, t, old, b)
	} else {
		again(r, t, b, old, soft > 0)
	}
	learnIDs(r, t, b)
	sweep(r, t, b, sys.Booted())
	return apply.Note(t, b.Entries)
}

func isMissed(r *Record, p string) bool {
	return slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.Path == p && e.State == Missed })
}

// softReboots is how often only the user space was restarted since the kernel was. Systemd counts it from version 256 on.
func softReboots() int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if sys.Program("systemctl") == "" {
		return 0
	}
	out, _ := sys.Run(ctx, "systemctl", "show", "-p", "SoftRebootsCount", "--value")
	n, _ := strconv.Atoi(strings.TrimSpace(out))
	return n
}

// again verifies every entry, and puts in place what the initrd could not, or what a soft-reboot has unmounted.
func again(r *Record, t *sys.Tree, b *plan.Boot, old *earlier, soft bool) {
	seen := map[string]plan.Step{}
	for _, s := range b.Entries {
		seen[s.Path] = s
	}
	placed := map[string]bool{} // now: what was in place in them is hidden by that
	var rest []plan.Step        // carried files that were not placed: together, as some of them are one set
	for _, e := range r.Entries {
		if s, ok := seen[e.Path]; ok && s.Kind == plan.Carry && e.State == Missed && !old.blind && !slices.Contains(r.Absent, s.Store) {
			rest = append(rest, s)
		}
	}
	for _, s := range rest {
		r.Problems = without(r.Problems, s.Path+" is not kept in this session")
	}
	var carried map[string]apply.Carried
	if len(rest) > 0 {
		carried = carry(r, t, old, rest)
	}
	dirs := b.Dirs()
	for i, e := range r.Entries {
		s, ok := seen[e.Path]
		if !ok || e.State == Waiting || e.State == Absent {
			continue
		}
		if e.State == Missed && slices.Contains(r.Absent, s.Store) {
			r.Entries[i].State = Absent
			continue
		}
		if s.Kind == plan.Carry && e.State == Missed {
			if c, ok := carried[s.Path]; ok {
				r.Entries[i].carried(r, c)
				r.Entries[i].Pass = r.pass
			}
			continue
		}
		r.again(t, b, dirs, old, s, &r.Entries[i], soft || inside(placed, s.Path))
		if r.Entries[i].State == Placed && (e.State != Placed || r.Entries[i].Pass != e.Pass) {
			placed[s.Path] = true
		}
	}
}

// again does so for one entry. With gone, it is known that what was in place is not any more.
func (r *Record) again(t *sys.Tree, b *plan.Boot, dirs plan.Dirs, old *earlier, s plan.Step, e *Entry, gone bool) {
	err := apply.Verify(t, s)
	if err == nil {
		r.healed(e)
		return
	}
	ours := 0
	if e.State == Placed && !gone {
		ours = 1
	} else if why, werr := r.waits(t, dirs, s); why != "" {
		e.State, e.Error = Later, "waits for "+why
		return
	} else if werr != nil {
		r.missed(e, "is not kept in this session", werr)
		return
	}
	over, cerr := cover(t, b, s, ours)
	switch {
	case cerr == nil && over != nil:
		err = uncover(r, t, s, over)
	case ours == 0:
		was := *e
		e.State = Placed
		near := t.Near()
		defer near.Close()
		if err = persist(r, near, old, s, e); err == nil && e.State == Waiting {
			return
		}
		*e = Entry{Path: e.Path, State: was.State, Adopted: e.Adopted, Pass: was.Pass}
	}
	switch {
	case err == nil:
		r.healed(e)
		e.Pass = r.pass
	case ours > 0:
		r.missed(e, strings.TrimSpace(lost), err)
	default:
		r.missed(e, "is not kept in this session", err)
	}
}

// healed notes that an entry is in place, and forgets what was said of it before.
func (r *Record) healed(e *Entry) {
	for _, s := range []string{" is not kept in this session", lost} {
		r.Problems = without(r.Problems, e.Path+s)
	}
	e.State, e.Error = Placed, ""
}

const lost = " was in place in the initrd and is not any more"

// Lost reports whether an entry that is not in place was so before.
func (r *Record) Lost(p string) bool {
	return slices.ContainsFunc(r.Problems, func(s string) bool { return strings.HasPrefix(s, p+lost) })
}

// missed notes that an entry is not in place, and why that is so by now.
func (r *Record) missed(e *Entry, what string, err error) {
	r.healed(e)
	e.State, e.Error = Missed, err.Error()
	r.problem("%s %s: %v", e.Path, what, err)
}

// inside reports whether a path lies in one of the given ones.
func inside(dirs map[string]bool, p string) bool {
	for up := path.Dir(p); up != "/"; up = path.Dir(up) {
		if dirs[up] {
			return true
		}
	}
	return false
}

func without(list []string, prefix string) []string {
	var out []string
	for _, s := range list {
		if !strings.HasPrefix(s, prefix) {
			out = append(out, s)
		}
	}
	return out
}

// banner tells whoever logs in that something is wrong, and takes an old banner away if nothing is.
func (r *Record) banner() error {
	if r.OK() {
		if err := os.Remove(bannerPath); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(path.Dir(bannerPath), 0o755); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintln(&b, "anicca: something is wrong with this session; see 'anicca status':")
	for _, p := range r.Problems {
		fmt.Fprintln(&b, "  -", p)
	}
	return os.WriteFile(bannerPath, []byte(b.String()), 0o644)
}
