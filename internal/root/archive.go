package root

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"anicca/internal/decl"
	"anicca/internal/sys"
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
		add(oldPath(o.ID), o.Parts) // while it is dropped
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
	return d.open(oldPath(id), o.Parts, o.Base, o.From, p)
}

// OpenNumber is [Disk.OpenOld] for the base of a number.
func (d *Disk) OpenNumber(n int, p string) (dir, rest string, done func() error, err error) {
	b, err := d.ledger.base(n)
	if err != nil {
		return "", "", nil, err
	}
	return d.open(b.at(), b.Parts, b.On, "", p)
}

// open opens what lies at a place of ours, over a base or an old root, or the part of it that the path p lies in.
func (d *Disk) open(at string, parts []Part, base int, from, p string) (dir, rest string, done func() error, err error) {
	if x := partOf(parts, p); x != "" {
		dir, done, err = d.kind.Open(part(at, x), nil)
		return dir, "/" + strings.TrimPrefix(p[len(x):], "/"), done, err
	}
	layers, err := d.layers(base, from)
	if err != nil {
		return "", "", nil, err
	}
	dir, done, err = d.kind.Open(at, layers)
	return dir, p, done, err
}

// PartOf returns where the part of an old root is mounted that the path p lies in; it is empty for the root itself.
func (d *Disk) PartOf(id, p string) string {
	o, err := d.ledger.old(id)
	if err != nil {
		return ""
	}
	return partOf(o.Parts, p)
}

func partOf(parts []Part, p string) string {
	in := ""
	for _, x := range parts {
		if len(x.Path) > len(in) && (p == x.Path || strings.HasPrefix(p, x.Path+"/")) {
			in = x.Path
		}
	}
	return in
}

// Changed reports whether a session has changed what lies at the path p, of which an old root is left. In doubt it has.
func (d *Disk) Changed(id, p string) (bool, error) {
	o, err := d.ledger.old(id)
	if err != nil {
		return false, err
	}
	began := oldPath(o.From)
	if o.From == "" {
		b, err := d.ledger.base(o.Base)
		if err != nil {
			return true, nil
		}
		began = b.at()
	}
	at := oldPath(id)
	if x := d.PartOf(id, p); x != "" {
		at, began, p = part(at, x), part(began, x), "/"+strings.TrimPrefix(p[len(x):], "/")
	}
	t, done, err := d.OpenVolume(at)
	if err != nil {
		return false, err
	}
	defer done()
	if d.kind.Name() == decl.Overlay { // it is nothing but what was changed
		return t.Exists(p)
	}
	was, let, err := d.OpenVolume(began)
	if err != nil {
		return true, nil
	}
	defer let()
	diff, err := sys.Compare(t, p, was, p, 1)
	if missing(err) { // it was made
		return true, nil
	}
	return len(diff) > 0, err
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
		o, err := d.ledger.old(n.ID)
		if err == nil && o.Lost {
			err = fmt.Errorf("old root %s was in memory and was not saved: nothing of it is there", n.ID)
		}
		if err != nil {
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
