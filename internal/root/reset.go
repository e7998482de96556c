package root

import (
	"fmt"
	"path"
	"time"
)

// volume is the root, or a part of it, during a reset.
type volume struct {
	place string // its name in the machine, from the top level
	from  string // what the new one is a copy of
	work  string // where the new one is made, and the old one for a moment
	old   string // where the old one goes
	uuid  string // of the old one
}

// volumes returns what an intent is about, the root first.
func (d *Disk) volumes(in *Intent) ([]volume, error) {
	from, old := oldPath(in.From), oldPath(in.ID)
	if in.From == "" {
		b, err := d.ledger.base(in.Base)
		if err != nil {
			return nil, err
		}
		from = b.at()
	}
	if in.Freeze != 0 {
		old = basePath(in.Freeze)
	}
	work := path.Join(workDir, in.ID)
	out := []volume{{place: d.ledger.Root, from: from, work: work, old: old, uuid: in.OldUUID}}
	for _, p := range in.Parts {
		out = append(out, volume{place: p.Volume, from: part(from, p.Path), work: part(work, p.Path), old: part(old, p.Path), uuid: p.UUID})
	}
	return out, nil
}

// Reset puts a fresh root, a copy of the newest base or of an old root, in the root's place, and the old root into the archive.
// If it fails, the old root is still in its place, or [Disk.Recover] puts it or the new one there.
// Until [Disk.Commit], a power cut may undo it.
func (d *Disk) Reset(o Order) (Made, error) {
	if err := d.settled(); err != nil {
		return Made{}, err
	}
	in, made, err := d.intend(o)
	if err != nil {
		return Made{}, err
	}
	all, err := d.volumes(in)
	if err != nil {
		return Made{}, err
	}
	for _, v := range all {
		for _, p := range []string{v.work, v.old} {
			there, err := d.kind.Identity(p)
			if err == nil && there != "" {
				err = fmt.Errorf("%s is in the way of the reset: move it away", d.top.Path(p))
			}
			if err != nil {
				return Made{}, err
			}
		}
	}
	each := func(f func(int, volume) error) func() error {
		return func() error {
			for i, v := range all {
				if err := f(i, v); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"intent", func() error { return d.begin(in) }},
		{"copy", each(func(_ int, v volume) error { return d.kind.Fresh(v.from, v.work, v.place) })},
		{"look", each(func(i int, v volume) error {
			id, err := d.kind.Identity(v.work)
			if i == 0 {
				made.UUID = id
			} else {
				made.Parts[i-1].UUID = id
			}
			return err
		})},
		{"exchange", each(func(_ int, v volume) error { return d.kind.Exchange(v.work, v.place, v.old) })},
		{"archive", each(func(_ int, v volume) error { return d.kind.PutAway(v.work, v.old) })},
	} {
		from := time.Now()
		if err := step.do(); err != nil {
			return Made{}, err
		}
		made.Steps = append(made.Steps, Step{step.name, float64(time.Since(from).Microseconds()) / 1000})
	}
	return made, nil
}

// intend makes the intent of a reset, and what there is to say of it before it is done.
func (d *Disk) intend(o Order) (*Intent, Made, error) {
	l := d.ledger
	in := &Intent{From: o.From, BootID: o.BootID, When: o.Now.UTC(), Running: o.Kernel, Kernel: l.Running.Kernel, RAM: o.RAM}
	made := Made{From: o.From}
	var parts []Part
	if o.From == "" {
		if _, ok := d.freezable(""); ok {
			in.Freeze = l.Freeze
		}
		b, err := d.Base()
		if err != nil {
			return nil, made, err
		}
		in.Base, made.Base, made.Parent, parts = b.Number, b.Number, b.UUID, b.Parts
	} else {
		old, err := l.old(o.From)
		if err == nil {
			made.Parent, err = d.kind.Identity(oldPath(o.From))
		}
		if err == nil && old.Lost {
			err = fmt.Errorf("old root %s was in memory and was not saved: nothing of it is there", o.From)
		}
		if err == nil && made.Parent != old.UUID {
			err = fmt.Errorf("old root %s is not the one that was put there (%q, not %s)", o.From, made.Parent, old.UUID)
		}
		if err != nil {
			return nil, made, err
		}
		parts = old.Parts
	}
	var err error
	if in.OldUUID, err = d.kind.Identity(l.Root); err == nil && in.OldUUID == "" {
		err = fmt.Errorf("there is no root at %s", l.Root)
	}
	if err != nil {
		return nil, made, err
	}
	for _, p := range parts {
		id, err := d.kind.Identity(p.Volume)
		if err == nil && id == "" {
			err = fmt.Errorf("there is nothing at %s, which is to be reset with the root as %s", p.Volume, p.Path)
		}
		if err != nil {
			return nil, made, err
		}
		in.Parts = append(in.Parts, Part{Path: p.Path, Volume: p.Volume, UUID: id})
		made.Parts = append(made.Parts, Part{Path: p.Path, Volume: p.Volume})
	}
	if in.OldUUID == o.Booted.Root {
		in.Good, in.Kernel = true, o.Booted.Kernel
	}
	if in.Counter, err = d.nextCounter(); err != nil {
		return nil, made, err
	}
	in.ID = oldID(in.Counter, o.Now)
	made.Counter = in.Counter
	if in.Freeze != 0 {
		made.Became, made.Base = in.Freeze, in.Freeze
	} else {
		made.Archive = in.ID
	}
	return in, made, nil
}

// nextCounter is higher than that of everything that lies on the disk, also of what the ledger does not name.
func (d *Disk) nextCounter() (int, error) {
	n := d.ledger.Counter
	for _, dir := range []string{archiveDir, workDir} {
		names, err := d.kind.List(dir)
		if err != nil {
			return 0, err
		}
		for _, name := range names {
			if c, ok := counterOf(name); ok {
				n = max(n, c)
			}
		}
	}
	return n + 1, nil
}

// begin writes the intent. On btrfs it need not wait for the disk: the snapshot that follows commits both.
func (d *Disk) begin(in *Intent) error {
	write := d.top.WriteFile
	if _, ok := d.kind.(subvolumes); ok {
		write = d.top.StageFile
	}
	if err := writeJSON(d.top, intentPath, in, write); err != nil {
		return err
	}
	d.intent = in
	return nil
}

// Commit makes the reset that was done last: it waits until it is on the disk, and records it.
// One that is not complete is an error, and is left to [Disk.Recover].
// The whole filesystem is synced first: fsync of the ledger alone does not carry renames of subvolumes with it.
func (d *Disk) Commit(now time.Time) error {
	in := d.intent
	if in == nil {
		return nil
	}
	all, err := d.volumes(in)
	if err != nil {
		return err
	}
	for _, v := range all {
		far, err := d.progressOf(v)
		if err == nil && far != complete {
			err = fmt.Errorf("the reset %s is not complete (%s is %s): the next boot finishes or undoes it", in.ID, v.place, far)
		}
		if err != nil {
			return err
		}
	}
	for _, v := range all {
		if err := d.kind.Finish(v.place, v.old); err != nil {
			return err
		}
	}
	if err := d.top.Sync(); err != nil {
		return err
	}
	next := *d.ledger
	old := Old{ID: in.ID, UUID: in.OldUUID, Base: next.Running.Base, From: next.Running.From, When: in.When, Kernel: in.Kernel, Good: in.Good, Parts: in.Parts}
	old.RAM, old.Lost = next.Running.RAM && next.Running.Saved, next.Running.RAM && !next.Running.Saved
	next.Running = Running{Base: in.Base, From: in.From, Kernel: in.Running, RAM: in.RAM, Parts: in.Parts}
	if in.Freeze == 0 {
		next.Archive = append(next.Archive[:len(next.Archive):len(next.Archive)], old)
	} else {
		b := Base{Number: in.Freeze, UUID: in.OldUUID, Made: in.When, On: old.Base, Parts: in.Parts}
		next.Bases = append(next.Bases[:len(next.Bases):len(next.Bases)], b)
		next.Running.Base = in.Freeze
		next.Freeze = 0
	}
	next.Counter, next.Next = in.Counter, nil
	if err := d.save(next, now); err != nil {
		return err
	}
	return d.forget()
}

// forget removes the intent of a reset that was dealt with.
func (d *Disk) forget() error {
	d.intent = nil
	if err := d.top.Remove(intentPath); err != nil && !missing(err) {
		return err
	}
	return nil
}
