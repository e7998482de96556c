package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
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
	Part    string               // mount point of the volume of that root that the file lies in; empty for the root itself
	Changed func() (bool, error) // whether the session has changed what the root began with; nil if that is not known
}

// Find tells where the last session left the file of path p, preferring a root of whose identity known says that the file was
// placed there.
type Find func(p string, known func(root string) (bool, error)) (Last, error)

// Carrier carries files over from one session to the next: programs may replace them by rename, as they are ordinary files of
// the root. See [Carrier.Carry].
type Carrier struct {
	Root  *sys.Tree // with its stores mounted
	Store string    // with anicca's own records
	ID    string    // identity of the root; empty if it is not known: then nothing is remembered of it
	Now   time.Time
	Parts []string // mount points of volumes that are reset with the root
	Last  Find     // nil for a root that goes on: the last session's files are in itself
	Used  bool     // programs run already, and may have written where files have yet to be placed
	Rest  bool     // it is an earlier part of this boot that has carried the others

	early bool // only save, see [Save]
	again bool // and the set of account databases of before was kept already

	near  *sys.Near                    // of Root, while it is looked at and nothing is done yet
	lies  map[string]lies              // by directory, for the same time
	roots map[string]map[string]placed // of which it is known what was placed in them, and that as far as it was asked; nil until that was looked for
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
	Told    []string // the same, of what is settled, or for nobody else to decide: no reason to stop a boot
	Noted   []string // what the user may want to know
	Err     error
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
	unlock, err := c.lockAccounts(steps)
	defer unlock()
	c.near, c.lies = c.Root.Near().Once(), map[string]lies{}
	for i, s := range steps {
		all[i].step = s
		if isAccount(s.Path) {
			set = append(set, &all[i])
			all[i].out.Err = err
		}
		if all[i].out.Err == nil {
			all[i].out.Err = all[i].find(c)
		}
	}
	c.near.Close()
	c.near, c.lies = nil, nil
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

// Commit remembers what was placed, once all of it is on the disk: the next boot judges by that. Failed are the paths of which
// it could not be remembered.
func (c *Carrier) Commit() (failed map[string]error, err error) {
	if c.ID == InMemory && c.Last != nil && !c.Rest { // what is there is of a session before
		if err := c.putBy(); err != nil {
			return nil, err
		}
	}
	if len(c.noted) == 0 || c.ID == "" {
		return nil, nil
	}
	if err := c.sync(); err != nil {
		return nil, err
	}
	var had [2]bool // whether anything is remembered of the root: of files that were placed, and of those that are gone
	for i, p := range []string{c.file(c.ID, ""), c.gone(c.ID, "")} {
		if had[i], err = c.Root.Exists(p); err != nil {
			return nil, err
		}
	}
	failed = map[string]error{}
	near := c.Root.Near()
	defer near.Close()
	for _, n := range c.noted {
		had[1] = had[1] || n.kept == ""
		if err := c.note(near, n, had[0], had[1]); err != nil {
			failed[n.path] = err
		}
	}
	c.noted, c.roots = nil, nil
	store, err := c.Root.Sub(c.Store)
	if err != nil {
		return failed, err
	}
	defer store.Close()
	return failed, store.Sync()
}

// sync waits for every filesystem that something was placed on or kept on.
func (c *Carrier) sync() error {
	done, seen := map[filesystem]bool{}, map[string]bool{}
	for _, n := range c.noted {
		for _, p := range []string{n.path, n.kept, c.Store + "/."} {
			if c.early && p == n.path {
				continue
			}
			if p = path.Dir(p); seen[p] {
				continue
			}
			seen[p] = true
			dir, s, err := c.nearest(p)
			if err != nil {
				return err
			}
			on := filesystemOf(s)
			if done[on] {
				continue
			}
			done[on] = true
			if err := syncAt(c.Root, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// filesystem is what tells objects apart that need not be on one filesystem: its mount, or where the kernel does not tell that (before
// Linux 5.8, and in some sandboxes), its device.
type filesystem struct{ mount, device uint64 }

func filesystemOf(s sys.Stat) filesystem {
	if s.MountID != 0 {
		return filesystem{mount: s.MountID}
	}
	return filesystem{device: s.Dev}
}

// nearest returns the directory p, or the one above it that is there, and what it is.
func (c *Carrier) nearest(p string) (string, sys.Stat, error) {
	for p = path.Clean("/" + p); ; p = path.Dir(p) {
		s, err := c.Root.Stat(p)
		if p == "/" || !errors.Is(err, fs.ErrNotExist) {
			return p, s, err
		}
	}
}

// lies says what a directory is part of.
type lies struct {
	part, foreign string
	err           error
}

// part returns the mount point of the volume that a path lies in and that is reset with the root, "" for the root itself.
// Foreign is where another filesystem is mounted that the path lies on: no boot resets that.
func (c *Carrier) part(p string) (part, foreign string, err error) {
	up := path.Dir(p)
	l, known := c.lies[up]
	if !known {
		l.part, l.foreign, l.err = c.partOf(up)
		c.lies[up] = l
	}
	return l.part, l.foreign, l.err
}

func (c *Carrier) partOf(p string) (part, foreign string, err error) {
	dir, at, err := c.nearest(p)
	if err != nil {
		return "", "", err
	}
	top, err := c.Root.Stat("/")
	if err != nil || at.MountID == top.MountID {
		return "", "", err
	}
	for _, m := range slices.Backward(slices.Sorted(slices.Values(c.Parts))) {
		if dir != m && !strings.HasPrefix(dir, m+"/") {
			continue
		}
		if s, err := c.Root.Stat(m); err == nil && s.MountID == at.MountID {
			return m, "", nil
		}
	}
	return "", dir, nil
}

// aside copies a version to where the user finds it, and returns where. It is on the disk then. One that lies there already, as
// after a power cut, is not copied again.
func (c *Carrier) aside(s plan.Step, from *sys.Tree, at string) (string, error) {
	stamps, err := c.Root.List(path.Join(c.Store, AsideDir))
	if ignoreMissing(err) != nil {
		return "", err
	}
	for _, n := range stamps {
		p := path.Join(c.Store, AsideDir, n, s.Path)
		if diff, err := sys.Compare(from, at, c.Root, p, 1); err == nil && same(diff) {
			return p, nil
		}
	}
	p, err := c.asideName(s)
	if err != nil {
		return "", err
	}
	if err = sys.Put(from, at, c.Root, p, true); err == nil {
		err = syncAt(c.Root, path.Dir(p)) // its name too: what it is a copy of may go next, on another filesystem
	}
	return p, err
}

// asideName makes the directory for a version, and returns a name in it that nothing has.
func (c *Carrier) asideName(s plan.Step) (string, error) {
	stamp := c.Now.UTC().Format("20060102T150405Z")
	p := path.Join(c.Store, AsideDir, stamp, s.Path)
	for n := 2; ; n++ { // clocks may begin at the same time at every boot
		there, err := c.Root.Exists(p)
		if err != nil {
			return "", err
		}
		if !there {
			break
		}
		p = path.Join(c.Store, AsideDir, fmt.Sprintf("%s-%d", stamp, n), s.Path)
	}
	return p, c.Root.MkdirAll(path.Dir(p), ours)
}

var errTooLarge = errors.New("is larger than 64 MiB: keep its directory, or write method: \"bind\"")
