package boot

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// bannerPath is shown by login programs that know motd.d.
var bannerPath = "/run/motd.d/10-anicca"

// Finish runs in the booted system after the local filesystems.
// It puts in place what the initrd could not, verifies every entry again,
// and leaves a banner for whoever logs in if something is wrong.
func Finish(dir, recordPath string) (*Record, error) {
	r, err := ReadRecord(recordPath)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("there is no record of this boot: the initrd does not run anicca; rebuild it, as 'anicca init' does")
	}
	if r.Outcome == Off || r.Outcome == Unset {
		return r, nil
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if err := finish(r, t); err != nil {
		r.problem("kept state is not in place: %v", err)
	}
	if err := noteBooted(t, r); err != nil {
		r.problem("that this root booted well could not be written down: %v", err)
	}
	r.Finished = true
	return r, errors.Join(r.Write(recordPath), r.banner())
}

func finish(r *Record, t *sys.Tree) error {
	if r.Store == "" {
		return errors.New("the initrd did not find the store")
	}
	store, err := t.Sub(r.Store)
	if err != nil {
		return err
	}
	defer store.Close()
	b, err := apply.Current(store)
	if err != nil || b == nil {
		return err
	}
	if len(r.Entries) == 0 { // the initrd did not come as far
		Persist(r, t, nil, b)
	} else {
		again(r, t, b)
	}
	return apply.Note(t, b.Entries)
}

// again verifies every entry, and puts in place what the initrd could not.
func again(r *Record, t *sys.Tree, b *plan.Boot) {
	seen := map[string]plan.Step{}
	for _, s := range b.Entries {
		seen[s.Path] = s
	}
	for i, e := range r.Entries {
		s, ok := seen[e.Path]
		if !ok || e.State == Waiting {
			continue
		}
		err := apply.Verify(t, s)
		if err != nil && e.State == Missed {
			if err = persist(r, t, nil, s, &r.Entries[i]); err == nil {
				r.Problems = without(r.Problems, e.Path+" is not kept in this session")
			}
		}
		if err != nil {
			if e.State == Placed {
				r.problem("%s was in place in the initrd and is not any more: %v", e.Path, err)
			}
			r.Entries[i].State, r.Entries[i].Error = Missed, err.Error()
			continue
		}
		r.Entries[i].State, r.Entries[i].Error = Placed, ""
	}
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
