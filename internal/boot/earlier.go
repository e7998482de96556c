package boot

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// earlier are the roots of the sessions before this one, newest first, up to the last that booted well.
// In those after that, the power may have gone before anything was in place.
type earlier struct {
	disk  *root.Disk
	roots []root.Old

	parts   []string // mount points of the volumes that are reset with the root
	used    bool     // programs run in the root already
	rest    bool     // an earlier part of this boot has carried what it could
	blind   bool     // the last session's root should be there, and cannot be read
	ram     bool     // the root itself is the copy of one in memory
	self    bool     // the root itself is where the last session worked, or the copy of that
	as      string   // identity of the root that it worked in, then; empty if it is not known
	nothing bool     // what it worked in cannot be looked at

	tree *sys.Tree // of the one that is open
	id   string    // its id
	part string    // and the mount point of the part of it, if it is one
	done func() error
}

// before returns the earlier roots that matter to this boot. Close it. Last is the root that was the last to boot well.
func before(d *root.Disk, r *Record, last root.Booted) *earlier {
	e := &earlier{disk: d, nothing: r.OnBase || r.lost}
	running := d.Ledger().Running
	list := running.Parts
	if r.Made != nil {
		list = r.Made.Parts
	}
	for _, x := range list {
		e.parts = append(e.parts, x.Path)
	}
	switch {
	case e.nothing:
	case r.Made == nil:
		e.self, e.as, e.ram = true, r.Root, running.RAM && running.Saved
		if id, err := d.Current(); r.Root == "" && err == nil && d.IsRoot(r.at) == nil {
			r.Root, e.as = id, id
		}
	case r.Made.Became != 0:
		e.self = true
		for _, b := range d.Ledger().Bases {
			if b.Number == r.Made.Became {
				e.as = b.UUID // the root became it, and is the same object
			}
		}
	}
	if r.Made == nil && r.Root != "" && r.Root == last.Root || r.Made != nil && r.Made.Archive == "" {
		return e // all that there is lies in the root itself
	}
	all := d.Ledger().Archive
	if n := len(all); r.Made != nil && (n == 0 || all[n-1].ID != r.Made.Archive) {
		e.blind = true
		r.problem("the old root %s cannot be read, so files that only it has are not kept in this session", r.Made.Archive)
		return e
	}
	for _, o := range slices.Backward(all) {
		if !o.Lost {
			e.roots = append(e.roots, o)
		}
		if o.Good {
			break
		}
	}
	return e
}

// memory is the identity of the last session's root if that was in memory.
func (e *earlier) memory() string {
	if e.rest {
		return apply.WasInMemory
	}
	return apply.InMemory
}

func (e *earlier) close() {
	if e.tree != nil {
		e.tree.Close()
		_ = e.done() // what cannot be unmounted now is let go of by the end of the initrd
	}
	e.tree = nil
}

// find is an [apply.Find].
func (e *earlier) find(rootTree *sys.Tree) apply.Find {
	return func(p string, known func(string) (bool, error)) (apply.Last, error) {
		switch is, err := known(e.as); {
		case e.nothing:
			return apply.Last{}, nil
		case err != nil:
			return apply.Last{}, err
		case e.self && is:
			return apply.Last{Tree: rootTree, At: p, Root: e.as}, nil
		}
		if e.self && e.ram {
			if is, err := known(apply.InMemory); is || err != nil {
				return apply.Last{Tree: rootTree, At: p, Root: apply.InMemory}, err
			}
		}
		if e.disk == nil {
			return apply.Last{Tree: rootTree, At: p}, nil
		}
		for _, o := range slices.Backward(e.disk.Ledger().Archive) {
			if o.Lost { // what an older one has is older than the store's
				return apply.Last{}, nil
			}
			id := o.UUID
			is, err := known(id)
			if !is && err == nil && o.RAM {
				id = e.memory()
				is, err = known(id)
			}
			if err != nil {
				return apply.Last{}, err
			}
			if is {
				t, at, err := e.open(o.ID, p)
				return apply.Last{Tree: t, At: at, Root: id, Part: e.part}, err
			}
		}
		if e.self {
			return apply.Last{Tree: rootTree, At: p}, nil
		}
		base := ""
		for _, o := range e.roots {
			t, at, err := e.open(o.ID, p)
			if err != nil {
				return apply.Last{}, err
			}
			there, err := t.Exists(at)
			if err != nil || !there {
				continue // a file in the way of a directory is no version of this one either
			}
			changed, err := e.disk.Changed(o.ID, p)
			if changed || err != nil {
				return apply.Last{Tree: t, At: at}, err
			}
			if base == "" { // it says nothing of the sessions before
				base = o.ID
			}
		}
		if base == "" {
			return apply.Last{}, nil
		}
		t, at, err := e.open(base, p)
		return apply.Last{Tree: t, At: at, Changed: func() (bool, error) { return false, nil }}, err
	}
}

// unwritten finds what was changed in roots that are newer than the last one of which it is known what was placed in it.
func (e *earlier) unwritten(c *apply.Carrier, steps []plan.Step) error {
	if e.disk == nil || e.nothing || e.self {
		return nil
	}
	all := e.disk.Ledger().Archive
	for i := range steps {
		p := steps[i].Path
		last := len(all) - 1
		for ; last >= 0; last-- {
			known, err := c.Known(all[last].UUID, p)
			if !known && err == nil && all[last].RAM {
				known, err = c.Known(e.memory(), p)
			}
			if err != nil {
				return err
			}
			if known || all[last].Lost {
				break
			}
		}
		if last < 0 || all[last].Lost { // it is declared since, or of no use
			continue
		}
		for n := len(all) - 1; n > last; n-- {
			id := all[n].ID
			changed, err := e.disk.Changed(id, p) // a boot that was cut off has left the base's
			if err == nil && changed {
				var t *sys.Tree
				var at string
				if t, at, err = e.open(id, p); err == nil {
					err = c.Unwritten(steps[i], t, at)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// open returns a tree that the path p of an earlier root lies in, and where. It is good until the next call.
func (e *earlier) open(id, p string) (*sys.Tree, string, error) {
	if e.tree != nil && e.id == id && e.part == e.disk.PartOf(id, p) {
		return e.tree, "/" + strings.TrimPrefix(strings.TrimPrefix(p, e.part), "/"), nil
	}
	e.close()
	dir, rest, done, err := e.disk.OpenOld(id, p)
	if err != nil {
		return nil, "", err
	}
	if e.tree, err = sys.OpenTree(dir); err != nil {
		return nil, "", errors.Join(err, done())
	}
	e.done, e.id, e.part = done, id, e.disk.PartOf(id, p)
	return e.tree, rest, nil
}

// adopt takes a declared file that the store has not got from the newest earlier root that has it, and reports whether one has.
func (e *earlier) adopt(rootTree *sys.Tree, s plan.Step) (bool, error) {
	for _, o := range e.roots {
		t, rest, err := e.open(o.ID, s.Path)
		if err != nil {
			return false, err
		}
		if done, err := apply.AdoptMissing(t, rest, rootTree, s); done || err != nil {
			return done, err
		}
	}
	return false, nil
}

// replacedLink returns the earlier root in which a program has replaced our link by a file that differs from the kept one;
// "" if none has.
func (e *earlier) replacedLink(rootTree *sys.Tree, s plan.Step) (string, error) {
	for _, o := range e.roots {
		t, rest, err := e.open(o.ID, s.Path)
		if err != nil {
			return "", err
		}
		there, err := t.Stat(rest)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", err
		case !there.IsFile() && !(s.Dir && there.IsDir()):
			return "", nil
		}
		if !o.Good || s.Dir { // what lies there may be of the base, if nothing was ever put in place
			if changed, err := e.disk.Changed(o.ID, s.Path); err != nil || !changed {
				return "", err
			}
		}
		diff, err := sys.Compare(t, rest, rootTree, s.Source, 1)
		if err != nil || len(diff) == 0 || diff[0].What == sys.TimeDiffers {
			return "", err
		}
		return o.ID, nil
	}
	return "", nil
}

// sayReplaced tells of a link that a program has replaced in the last session: what it wrote since is not in the store.
func sayReplaced(r *Record, rootTree *sys.Tree, old *earlier, s plan.Step) {
	id, err := old.replacedLink(rootTree, s)
	switch {
	case err != nil:
		r.problem("whether a program has replaced the link %s in the last session is not known: %v", s.Path, err)
	case id != "" && s.Dir: // it may have been kept by bind then
		r.note("%s: there was a directory in the link's place in an earlier session, and %s differs. See what was written there: "+
			"'anicca restore %s --from %s --to /tmp/%s'", s.Path, s.Source, s.Path, id, path.Base(s.Path))
	case id != "":
		r.problem("%s: a program has replaced the link by a file in an earlier session. What it wrote is in old root %s, and %s differs: "+
			"compare with 'anicca restore %s --from %s --to /tmp/%s'", s.Path, id, s.Source, s.Path, id, path.Base(s.Path))
	}
}
