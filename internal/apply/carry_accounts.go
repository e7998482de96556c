package apply

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// accounts are the account databases, which travel as one set: a user is in several of them. Formats: passwd(5), shadow(5),
// group(5), gshadow(5), subuid(5), subgid(5).
var accounts = map[string]struct {
	fields  int
	numbers []int // fields that hold one
	needed  bool  // nobody could log in without it
}{
	"/etc/passwd":  {7, []int{2, 3}, true},
	"/etc/shadow":  {9, nil, true},
	"/etc/group":   {4, []int{2}, true},
	"/etc/gshadow": {4, nil, false},
	"/etc/subuid":  {3, []int{1, 2}, false},
	"/etc/subgid":  {3, []int{1, 2}, false},
}

// sets is how many sets of account databases are kept that another took the place of.
const sets = 5

// setStage is the name of a set that is not whole yet.
const setStage = "new"

func isAccount(p string) bool { _, ok := accounts[p]; return ok }

// lockAccounts keeps programs of a running system from changing accounts while they are carried, or from being seen half-way through.
func (c *Carrier) lockAccounts(steps []plan.Step) (unlock func(), err error) {
	for i := range steps {
		if (c.Last == nil || c.Used) && isAccount(steps[i].Path) {
			return c.Root.LockAccounts(15 * time.Second)
		}
	}
	return func() {}, nil
}

// together makes the account databases one set: if the last session has changed one, all are its, unless one is damaged.
// A set that another takes the place of is kept for a while.
func (c *Carrier) together(set []*carrying) {
	for _, f := range set { // somebody has changed the store's
		if f.out.Err != nil || f.choice != useStore || !f.sides.root || f.sides.equal {
			continue
		}
		// Only what no editor leaves: the administrator may well have written something odd there.
		if data, err := c.Root.ReadFile(f.step.Source); err == nil && (len(data) == 0 && accounts[f.step.Path].needed || bytes.IndexByte(data, 0) >= 0) {
			f.choice = bothTook
		}
	}
	if !slices.ContainsFunc(set, func(f *carrying) bool { return f.choice.fromRoot() }) {
		return
	}
	var wrong []string
	for _, f := range set {
		if f.out.Err == nil && (f.choice == useStore || f.choice == bothStore) && f.sides.root && !f.sides.equal {
			f.choice = bothTook
		}
		if why := f.damaged(c); why != "" {
			wrong = append(wrong, why)
		}
	}
	if len(wrong) > 0 && c.early {
		notYet(set, strings.Join(wrong, "; "))
		return
	}
	first := !slices.ContainsFunc(set, func(f *carrying) bool { return f.sides.store }) // there is nothing good to be replaced
	if len(wrong) == 0 || first {
		if c.again {
			return
		}
		if err := c.keepSet(set); err != nil {
			set[0].out.Said = append(set[0].out.Said, fmt.Sprintf("the account files of before could not be kept: %v", err))
		}
		return
	}
	why := strings.Join(wrong, "; ")
	for _, f := range set {
		if f.out.Err != nil || !f.choice.fromRoot() {
			continue
		}
		if f.sides.root {
			err, at := f.refresh(c), ""
			if err == nil {
				at, err = c.aside(f.step, f.last.Tree, f.last.At)
			}
			if err != nil {
				f.out.Err = err
				continue
			}
			said := fmt.Sprintf("%s as the last session has left it is not used, as the account files are damaged (%s): it is put aside as %s", f.step.Path, why, at)
			c.remember(said)
			f.out.Said = append(f.out.Said, said)
		} else {
			f.out.Said = append(f.out.Said, fmt.Sprintf("%s is kept although the last session has deleted it, as the account files are damaged (%s)", f.step.Path, why))
		}
		if f.choice = useStore; !f.sides.store {
			f.choice = neither
		}
	}
}

// damaged says why a database would be unfit, as it would be in the store; it is empty if it is fit.
func (f *carrying) damaged(c *Carrier) string {
	p := f.step.Path
	switch {
	case f.out.Err != nil:
		return f.out.Err.Error()
	case f.choice == forget && accounts[p].needed:
		return p + " is missing"
	case f.choice == forget || f.choice == neither || f.sides.equal:
		return ""
	}
	t, at := c.Root, f.step.Source
	if f.choice.fromRoot() {
		if err := f.refresh(c); err != nil {
			return err.Error()
		}
		t, at = f.last.Tree, f.last.At
	}
	data, err := t.ReadFile(at)
	if err != nil {
		return err.Error()
	}
	if why := checkAccounts(p, data); why != "" {
		return p + ": " + why
	}
	return ""
}

// checkAccounts says what is wrong with a database, as a power cut or a broken program leaves one; it is empty for a sound one.
func checkAccounts(p string, data []byte) string {
	want := accounts[p]
	superuser := p != "/etc/passwd"
	switch {
	case len(data) == 0 && !want.needed:
		return ""
	case len(data) == 0:
		return "it is empty"
	case bytes.IndexByte(data, 0) >= 0:
		return "it has zero bytes in it"
	case data[len(data)-1] != '\n':
		return "its last line has no end, as if it was cut off"
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.ContainsRune("#+-", rune(line[0])) { // comments, and what NIS adds and takes away
			continue
		}
		f := strings.Split(line, ":")
		if len(f) != want.fields {
			return fmt.Sprintf("line %d has %d fields, not %d", n, len(f), want.fields)
		}
		for _, i := range want.numbers {
			if _, err := strconv.ParseUint(f[i], 10, 32); err != nil {
				return fmt.Sprintf("line %d: %q is not a number", n, f[i])
			}
		}
		superuser = superuser || f[2] == "0"
	}
	if !superuser {
		return "it has no user 0"
	}
	return ""
}

// keepSet keeps the set that is in the store.
func (c *Carrier) keepSet(set []*carrying) error {
	at := path.Join(c.Store, setDir)
	if err := c.Root.MkdirAll(at, ours); err != nil {
		return err
	}
	dir, err := c.Root.Sub(at)
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.List(".")
	if err != nil {
		return err
	}
	newest, have := 0, map[int]bool{}
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			newest, have[n] = max(newest, n), true
		}
	}
	if c.hasSet(dir, strconv.Itoa(newest), set) { // a boot that was interrupted has kept it
		return nil
	}
	if err := dir.RemoveTree(setStage); ignoreMissing(err) != nil {
		return err
	}
	for _, f := range set {
		if !f.sides.store {
			continue
		}
		p := path.Join(setStage, f.step.Path)
		if err := dir.MkdirAll(path.Dir(p), ours); err != nil {
			return err
		}
		if err := sys.Put(c.Root, f.step.Source, dir, p, true); err != nil {
			return err
		}
	}
	if err := dir.Rename(setStage, strconv.Itoa(newest+1)); ignoreMissing(err) != nil { // the store has none of them
		return err
	}
	for n := range have {
		if n <= newest+1-sets {
			if err := dir.RemoveTree(strconv.Itoa(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// hasSet reports whether the set that is in the store is the one that is kept under a name.
func (c *Carrier) hasSet(dir *sys.Tree, name string, set []*carrying) bool {
	for _, f := range set {
		diff, err := sys.Compare(c.Root, f.step.Source, dir, path.Join(name, f.step.Path), 1)
		if f.sides.store && (err != nil || !same(diff)) {
			return false
		}
	}
	return true
}
