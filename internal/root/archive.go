package root

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Archive lists the old roots that are really there, oldest first.
func (d *Disk) Archive() ([]Old, error) {
	var out []Old
	for _, o := range d.ledger.Archive {
		id, err := d.kind.Identity(oldPath(o.ID))
		if err != nil {
			return nil, err
		}
		if id != "" {
			out = append(out, o)
		}
	}
	return out, nil
}

// Foreign lists what lies in anicca's directories and is not in the ledger. It is never touched.
func (d *Disk) Foreign() ([]string, error) {
	ours := map[string]bool{}
	add := func(p string, parts []Part) {
		ours[p] = true
		for _, x := range parts {
			ours[part(p, x.Path)] = true
		}
	}
	for _, o := range d.ledger.Archive {
		add(oldPath(o.ID), o.Parts)
	}
	for _, b := range d.ledger.Bases {
		add(b.at(), b.Parts)
	}
	for _, o := range d.ledger.Leftovers {
		add(path.Join(workDir, o.ID), o.Parts)
	}
	if in := d.intent; in != nil {
		add(path.Join(workDir, in.ID), in.Parts)
		add(oldPath(in.ID), in.Parts)
	}
	var out []string
	for _, dir := range []string{baseDir, archiveDir, workDir} {
		names, err := d.kind.List(dir)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if p := path.Join(dir, n); !ours[p] {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// OpenOld returns a directory below which the files of an old root can be read, and a function that lets go of it.
// The path p of the machine lies at rest in it: parts of a root are directories of their own.
func (d *Disk) OpenOld(id, p string) (dir, rest string, done func() error, err error) {
	o, err := d.ledger.old(id)
	if err != nil {
		return "", "", nil, err
	}
	for _, x := range o.Parts {
		if p == x.Path || strings.HasPrefix(p, x.Path+"/") {
			dir, done, err = d.kind.Open(part(oldPath(id), x.Path), nil)
			return dir, "/" + strings.TrimPrefix(p[len(x.Path):], "/"), done, err
		}
	}
	under, err := d.layers(o.Base, o.From)
	if err != nil {
		return "", "", nil, err
	}
	dir, done, err = d.kind.Open(oldPath(id), under)
	return dir, p, done, err
}

// Held returns the old roots that must stay because other roots lie over them, with the reason.
func (d *Disk) Held() map[string]string {
	out := map[string]string{}
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

// Drop deletes one old root, or one unused root that an interrupted reset left, with all in it.
//
// It deletes only what the ledger says we made: the object must lie in its place below anicca/,
// be the one that the ledger means, by its identity, not be pinned, not be needed by another root, and be mounted nowhere.
// The base, the root and the store lie elsewhere and cannot be named by an id.
// The deletion lasts from the next [Disk.Settle] on; until then a power cut may bring the root back, whole.
func (d *Disk) Drop(id string) error {
	l := d.ledger
	if d.intent != nil {
		return fmt.Errorf("an interrupted reset (%s) comes first: reboot", d.intent.ID)
	}
	list, p := &l.Archive, oldPath(id)
	i := slices.IndexFunc(*list, func(o Old) bool { return o.ID == id })
	if i < 0 {
		list, p = &l.Leftovers, path.Join(workDir, id)
		i = slices.IndexFunc(*list, func(o Old) bool { return o.ID == id })
	}
	if i < 0 || path.Base(p) != id {
		return unknown(id)
	}
	o := (*list)[i]
	if o.Pinned {
		return fmt.Errorf("old root %s is pinned: 'anicca archive unpin %s' lets go of it", id, id)
	}
	if why, ok := d.Held()[id]; ok {
		return fmt.Errorf("old root %s is needed: %s", id, why)
	}
	// Parts go first: while the root itself is there, so is the ledger's entry for what is left.
	for _, x := range o.Parts {
		if err := d.dropAt(part(p, x.Path), x.UUID); err != nil {
			return err
		}
	}
	if err := d.dropAt(p, o.UUID); err != nil {
		return err
	}
	*list = slices.Delete(slices.Clone(*list), i, i+1)
	return nil
}

func (d *Disk) dropAt(p, uuid string) error {
	there, err := d.kind.Identity(p)
	if err != nil || there == "" {
		return err
	}
	if there != uuid {
		return fmt.Errorf("%s is not the root that was put there (%s, not %s): left alone", d.top.Path(p), there, uuid)
	}
	at, err := d.kind.InUse(p)
	if err == nil && at != "" {
		err = fmt.Errorf("old root %s is mounted at %s: unmount it first", path.Base(p), at)
	}
	if err != nil {
		return err
	}
	return d.kind.Remove(p)
}

// Settle makes what was dropped last, in one commit of the filesystem, and then writes the ledger.
func (d *Disk) Settle(now time.Time) error {
	if err := d.top.Sync(); err != nil {
		return err
	}
	return d.ledger.write(d.top, now)
}

// Pin keeps an old root from being dropped, or lets go of it.
func (d *Disk) Pin(id string, on bool, now time.Time) error {
	i := slices.IndexFunc(d.ledger.Archive, func(o Old) bool { return o.ID == id })
	if i < 0 {
		return unknown(id)
	}
	next := *d.ledger
	next.Archive = slices.Clone(next.Archive)
	next.Archive[i].Pinned = on
	return d.save(next, now)
}

// SetNext says what the next boot shall do, once; nil takes that back.
func (d *Disk) SetNext(n *Next, now time.Time) error {
	if n != nil && n.What == "root" {
		if _, err := d.ledger.old(n.ID); err != nil {
			return err
		}
	}
	if n == nil && d.ledger.Next == nil {
		return nil
	}
	next := *d.ledger
	next.Next = n
	return d.save(next, now)
}

// SetStrict notes what the declaration says, for boots that cannot read it.
func (d *Disk) SetStrict(strict bool, now time.Time) error {
	if d.ledger.Strict == strict {
		return nil
	}
	next := *d.ledger
	next.Strict = strict
	return d.save(next, now)
}

// Marked reports whether the user has put the file anicca/keep on the top level, which keeps the root until it is removed.
func (d *Disk) Marked() (bool, error) {
	ok, err := d.top.Exists(keepPath)
	return ok, err
}
