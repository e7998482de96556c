package root

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"time"

	"anicca/internal/sys"
)

// disk is what the backends share that keep roots as directories of one filesystem:
// the ledger, and the reset as an exchange of two names.
type disk struct {
	top    *sys.Tree // the filesystem's top level, writable
	ledger *Ledger
	kind   volumes
}

// volumes is what differs between them.
type volumes interface {
	// fresh makes a new root at p from base number n.
	fresh(n int, p string) error
	// identity returns what tells the root at p from every other, "" if nothing is there.
	identity(p string) (string, error)
	// remove deletes the root at p with all in it.
	remove(p string) error
	// intact reports with an error if a base is not what it was when it was made.
	intact(Base) error
}

// Close releases the top level.
func (d *disk) Close() error { return d.top.Close() }

// Ledger returns the record of the filesystem. It must not be changed.
func (d *disk) Ledger() *Ledger { return d.ledger }

func (d *disk) work(in Intent) string { return path.Join(workDir, in.ID) }
func (d *disk) old(in Intent) string  { return path.Join(archiveDir, in.ID) }
func basePath(n int) string           { return path.Join(baseDir, strconv.Itoa(n)) }

// Current returns the identity of the running root.
func (d *disk) Current() (string, error) { return d.kind.identity(d.ledger.Root) }

// Base returns the newest base and makes sure that it is the one that the ledger means.
func (d *disk) Base() (Base, error) {
	base, err := d.ledger.newestBase()
	if err == nil {
		err = d.kind.intact(base)
	}
	return base, err
}

// HasModules reports whether the newest base holds the modules of a kernel release.
func (d *disk) HasModules(release string) (bool, error) {
	base, err := d.Base()
	if err != nil {
		return false, err
	}
	for _, lib := range []string{"usr/lib/modules", "lib/modules"} {
		there, err := d.top.Exists(path.Join(basePath(base.Number), lib, release))
		if there {
			return true, nil
		}
		if err != nil && !sys.IsLoop(err) { // /lib is a link where /usr is merged
			return false, err
		}
	}
	return false, nil
}

// Reset puts a fresh copy of the newest base in the root's place and the old root into the archive.
// Booted is the identity of the root that was the last to boot well.
func (d *disk) Reset(now time.Time, bootID, booted string) (Made, error) {
	l := d.ledger
	if l.Intent != nil {
		return Made{}, errors.New("internal error: an earlier reset was not recovered")
	}
	base, err := d.Base()
	if err != nil {
		return Made{}, err
	}
	old, err := d.kind.identity(l.Root)
	if err == nil && old == "" {
		err = fmt.Errorf("there is no root at %s", l.Root)
	}
	if err != nil {
		return Made{}, err
	}
	in := Intent{Counter: l.Counter + 1, Base: base.Number, OldUUID: old, Good: old == booted, BootID: bootID, When: now.UTC()}
	in.ID = oldID(in.Counter, now)
	for _, p := range []string{d.work(in), d.old(in)} {
		there, err := d.top.Exists(p)
		if err == nil && there {
			err = fmt.Errorf("%s is in the way of the reset: move it away", p)
		}
		if err != nil {
			return Made{}, err
		}
	}
	made := Made{Counter: in.Counter, Base: base.Number, Parent: base.UUID, Archive: in.ID}
	l.Intent = &in
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"intent", func() error {
			err := l.write(d.top, now)
			if err != nil {
				l.Intent = nil
			}
			return err
		}},
		{"copy", func() error { return d.kind.fresh(base.Number, d.work(in)) }},
		{"look", func() (err error) {
			made.UUID, err = d.kind.identity(d.work(in))
			return err
		}},
		{"exchange", func() error { return d.top.Exchange(d.work(in), l.Root) }},
		{"archive", func() error { return d.top.Rename(d.work(in), d.old(in)) }},
		{"commit", func() error { return d.commit(now) }},
	} {
		begin := time.Now()
		if err := step.do(); err != nil {
			return Made{}, err
		}
		made.Steps = append(made.Steps, Step{step.name, float64(time.Since(begin).Microseconds()) / 1000})
	}
	return made, nil
}

// putAway moves the old root from its working name into the archive and commits.
func (d *disk) putAway(now time.Time) error {
	in := *d.ledger.Intent
	if err := d.top.Rename(d.work(in), d.old(in)); err != nil {
		return err
	}
	return d.commit(now)
}

// commit records the finished reset.
// The whole filesystem is synced first: fsync of the ledger alone does not carry renames of subvolumes with it.
func (d *disk) commit(now time.Time) error {
	if err := d.top.Sync(); err != nil {
		return err
	}
	next, in := *d.ledger, *d.ledger.Intent
	next.Archive = append(next.Archive[:len(next.Archive):len(next.Archive)], Old{ID: in.ID, UUID: in.OldUUID, Base: in.Base, When: in.When, Good: in.Good})
	next.Counter = in.Counter
	next.Intent = nil
	if err := next.write(d.top, now); err != nil {
		return err
	}
	*d.ledger = next
	return nil
}

// Recover finishes or undoes an interrupted reset.
// The identity of the old root, noted before anything happened, tells how far it came.
func (d *disk) Recover() ([]string, error) {
	in := d.ledger.Intent
	if in == nil {
		return nil, nil
	}
	now := time.Now()
	var at [3]string
	for i, p := range []string{d.work(*in), d.old(*in), d.ledger.Root} {
		var err error
		if at[i], err = d.kind.identity(p); err != nil {
			return nil, err
		}
	}
	work, old, root := at[0], at[1], at[2]
	say := func(s string) []string { return []string{fmt.Sprintf("interrupted reset %s: %s", in.ID, s)} }
	switch {
	case root == "":
		return nil, fmt.Errorf("interrupted reset %s: there is no root at %s", in.ID, d.ledger.Root)
	case old == in.OldUUID && root != in.OldUUID:
		return say("was complete but for the ledger"), d.commit(now)
	case work == in.OldUUID && root != in.OldUUID:
		return say("the old root was put away"), d.putAway(now)
	case root == in.OldUUID && old == "":
		next := *d.ledger
		next.Intent = nil
		said := "had not begun"
		if work != "" {
			// The unused root stays where it is: nothing is deleted at boot.
			said = "undone, the root was not touched"
			next.Leftovers = append(next.Leftovers[:len(next.Leftovers):len(next.Leftovers)], Old{ID: in.ID, UUID: work, Base: in.Base, When: in.When})
			next.Counter = in.Counter
		}
		if err := next.write(d.top, now); err != nil {
			return nil, err
		}
		*d.ledger = next
		return say(said), nil
	}
	return nil, fmt.Errorf("interrupted reset %s: the disk is in a state that no reset leaves (root %s, work %q, archive %q, old root was %s): nothing was changed",
		in.ID, root, work, old, in.OldUUID)
}

// Archive lists the old roots that are really there, oldest first.
func (d *disk) Archive() ([]Old, error) {
	var out []Old
	for _, o := range d.ledger.Archive {
		there, err := d.top.Exists(path.Join(archiveDir, o.ID))
		if err != nil {
			return nil, err
		}
		if there {
			out = append(out, o)
		}
	}
	return out, nil
}

// find returns the path of an old root from the top level.
func (d *disk) find(id string) (string, error) {
	for _, o := range d.ledger.Archive {
		if o.ID == id {
			return path.Join(archiveDir, id), nil
		}
	}
	return "", unknown(id)
}

// createDisk makes anicca's directories and ledger on the filesystem below top.
// A ledger that is there is kept: it may be called again after an interruption.
func createDisk(top *sys.Tree, l Ledger, now time.Time, perm sys.Perm) error {
	for _, p := range []string{dir, baseDir, archiveDir, workDir} {
		if err := top.MkdirAll(p, func(string) sys.Perm { return perm }); err != nil {
			return err
		}
	}
	if there, err := top.Exists(ledgerPath); err != nil || there {
		return err
	}
	l.Format = ledgerFormat
	return l.write(top, now)
}

// recordBase adds a base that was made to the ledger.
func (d *disk) recordBase(base Base, now time.Time) (Base, error) {
	if err := d.top.Sync(); err != nil {
		return Base{}, err
	}
	next := *d.ledger
	next.Bases = append(next.Bases[:len(next.Bases):len(next.Bases)], base)
	if err := next.write(d.top, now); err != nil {
		return Base{}, err
	}
	*d.ledger = next
	return base, nil
}

// nextBase returns the number of the next base and makes room for it.
// A base that an interruption kept out of the ledger is of an older moment: it is put aside rather than trusted.
func (d *disk) nextBase(now time.Time) (int, error) {
	n := 1
	if old, err := d.ledger.newestBase(); err == nil {
		n = old.Number + 1
	}
	there, err := d.top.Exists(basePath(n))
	if err != nil || !there {
		return n, err
	}
	return n, d.top.Rename(basePath(n), path.Join(workDir, fmt.Sprintf("base-%d-%s", n, now.UTC().Format("20060102T150405.000Z"))))
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
