package root

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"anicca/internal/decl"
)

// Held returns the old roots that must stay because other roots lie over them, or the next boot begins as them, with the reason.
func (d *Disk) Held() map[string]string {
	out := map[string]string{}
	if n := d.ledger.Next; n != nil && n.ID != "" {
		out[n.ID] = "the next boot begins as it"
	}
	if d.standsAlone() {
		return out
	}
	for _, o := range d.ledger.Archive {
		if o.From != "" {
			out[o.From] = "old root " + o.ID + " lies over it"
		}
	}
	if id := d.ledger.Running.From; id != "" {
		out[id] = "the running root lies over it"
	}
	return out
}

// errMounted marks an old root that somebody looks into.
var errMounted = errors.New("is mounted")

// Stays is [Disk.Held] with the old roots that are mounted, as somebody looks into them.
func (d *Disk) Stays() map[string]string {
	out := d.Held()
	for _, o := range d.ledger.Archive {
		if _, err := d.doomed(o); errors.Is(err, errMounted) {
			out[o.ID] = err.Error()
		}
	}
	return out
}

// Drop deletes one old root, or one unused root that an interruption left, with all in it.
//
// It deletes only what the ledger says we made: each of its objects must lie in its place below anicca/,
// be the one that the ledger means, by its identity, not be pinned, not be needed by another root, and be mounted nowhere;
// all that is made sure of before the first is deleted.
// The base, the root and the store lie elsewhere and cannot be named by an id.
//
// The deletion lasts from the next [Disk.Settle] on. Until then a power cut may bring the root back, whole;
// one that goes in several steps is not in the archive any more when the first is taken, and what is left of it is a leftover.
func (d *Disk) Drop(id string, now time.Time) error {
	if err := d.settled(); err != nil {
		return err
	}
	named := func(o Old) bool { return o.ID == id }
	i := slices.IndexFunc(d.ledger.Archive, named)
	list := d.ledger.Archive
	if i < 0 {
		list = d.ledger.Leftovers
		i = slices.IndexFunc(list, named)
	}
	if i < 0 || path.Base(id) != id {
		return unknown(id)
	}
	o := list[i]
	if o.Pinned {
		return fmt.Errorf("old root %s is pinned: 'anicca archive unpin %s' lets go of it", id, id)
	}
	if why, ok := d.Held()[id]; ok {
		return fmt.Errorf("old root %s is needed: %s", id, why)
	}
	doomed, err := d.doomed(o)
	if err != nil {
		return err
	}
	next := *d.ledger
	next.Archive = slices.DeleteFunc(slices.Clone(next.Archive), named)
	if len(doomed) > 1 || d.kind.Name() == decl.Overlay { // files of a directory go one by one
		next.Leftovers = append(slices.DeleteFunc(slices.Clone(next.Leftovers), named), o)
		if err := d.save(next, now); err != nil {
			return err
		}
	}
	for _, p := range doomed {
		if err := d.kind.Remove(p); err != nil {
			return err
		}
	}
	next.Leftovers = slices.DeleteFunc(slices.Clone(next.Leftovers), named)
	*d.ledger = next
	return nil
}

// doomed returns where the objects of an old root lie that are there, after making sure that each may be deleted.
func (d *Disk) doomed(o Old) ([]string, error) {
	var out []string
	for _, dir := range []string{archiveDir, workDir} {
		for _, x := range append([]Part{{UUID: o.UUID}}, o.Parts...) {
			p := path.Join(dir, o.ID)
			if x.Path != "" {
				p = part(p, x.Path)
			}
			there, err := d.kind.Identity(p)
			switch {
			case err != nil:
				return nil, err
			case there == "":
				continue
			case there != x.UUID:
				return nil, fmt.Errorf("%s is not the root that was put there (%s, not %s): left alone", d.top.Path(p), there, x.UUID)
			}
			at, err := d.kind.InUse(p)
			if err == nil && at != "" {
				err = fmt.Errorf("old root %s %w at %s: unmount it first", path.Base(p), errMounted, at)
			}
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	slices.Reverse(out) // the root itself goes last: while it is there, it is plain what its parts belong to
	return out, nil
}

// Settle makes what was dropped last, in one commit of the filesystem, and then writes the ledger.
func (d *Disk) Settle(now time.Time) error {
	if err := d.top.Sync(); err != nil {
		return err
	}
	return d.ledger.write(d.top, now)
}
