package apply

import (
	"errors"
	"path"
	"time"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Last is where the last session left a file: at At in Tree, in the root of identity Root, which is empty if nobody wrote down
// what was placed in it. It is good until the next one is asked for. Tree is nil if there is no such root.
type Last struct {
	Tree    *sys.Tree
	At      string
	Root    string
	Changed func() (bool, error) // whether the session has changed what the root began with; nil if that is not known
}

// Find tells where the last session left the file of path p, preferring a root of whose identity known says that the file was
// placed there.
type Find func(p string, known func(root string) (bool, error)) (Last, error)

// Carrier carries files over from one session to the next: programs may replace them by rename, as they are ordinary files of
// the root. See [Carrier.Carry].
type Carrier struct {
	root  *sys.Tree
	store string // with anicca's own records
	id    string // of the running root; empty if it is not known
	last  Find
	now   time.Time

	roots map[string]bool // of which it is known what was placed in them; nil until that was looked for
	noted []noted
}

// noted is a file that was placed, by its kept copy, or one that is gone if that is empty.
type noted struct {
	path, kept string
	as         string // what an earlier boot has placed, if it is the same
}

// Carried is how one file came out.
type Carried struct {
	Waiting bool     // there is none yet, or none any more
	Took    bool     // the store got the version of the last session
	Said    []string // what the user has to see to, a sentence each
	Noted   []string // what the user may want to know
	Err     error
}

// NewCarrier returns one for the root of that identity, which has its stores mounted. Last is nil for a root that goes on:
// then the last session's files are in the root itself.
func NewCarrier(root *sys.Tree, store, id string, now time.Time, last Find) *Carrier {
	c := &Carrier{root: root, store: store, id: id, now: now, last: last}
	if last == nil {
		c.last = func(p string, _ func(string) (bool, error)) (Last, error) {
			return Last{Tree: root, At: p, Root: id}, nil
		}
	}
	return c
}

// Carry brings files and their kept copies together, and puts the files in place.
//
// The newest version of a file is the one that was changed, by content, since the last boot placed it: by the session, which
// the store then follows; by whoever changed the store; if by both, the session's, and the store's is put aside. A file that
// the session has deleted is deleted. After a power cut at any point, carrying again comes to the same.
// [Carrier.Commit] must follow.
func (c *Carrier) Carry(steps []plan.Step) []Carried {
	all := make([]carrying, len(steps))
	var set []*carrying
	for i, s := range steps {
		all[i].step = s
		all[i].look(c)
		if isAccount(s.Path) {
			set = append(set, &all[i])
		}
	}
	c.together(set)
	out := make([]Carried, len(steps))
	for i := range all {
		f := &all[i]
		if f.out.Err == nil {
			f.out.Err = f.refresh(c)
		}
		if f.out.Err == nil {
			f.out.Err = f.carry(c)
		}
		out[i] = f.out
	}
	return out
}

// Commit remembers what was placed, once all of it is on the disk: the next boot judges by that.
func (c *Carrier) Commit() error {
	if len(c.noted) == 0 {
		return nil
	}
	store, err := c.root.Sub(c.store)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := errors.Join(c.root.Sync(), store.Sync()); err != nil {
		return err
	}
	var errs []error
	for _, n := range c.noted {
		errs = append(errs, c.note(n))
	}
	c.noted = nil
	return errors.Join(append(errs, store.Sync())...)
}

// aside copies a version to where the user finds it, and returns where.
func (c *Carrier) aside(s plan.Step, from *sys.Tree, at string) (string, error) {
	p := path.Join(c.store, asideDir, c.now.UTC().Format("20060102T150405Z"), s.Path)
	if err := c.root.MkdirAll(path.Dir(p), ours); err != nil {
		return "", err
	}
	return p, sys.Put(from, at, c.root, p)
}
