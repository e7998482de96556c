package root

import (
	"fmt"
	"path"
	"slices"
	"time"
)

// Drop deletes one old root, or one unused root that an interrupted reset left, with all in it.
//
// It deletes only what the ledger says we made: the object must lie in its place below anicca/,
// be the one that the ledger means, by its identity, not be pinned, and be mounted nowhere.
// The base, the root and the store lie elsewhere and cannot be named by an id.
// The deletion lasts from the next [disk.Settle] on; until then a power cut may bring the root back, whole.
func (d *disk) Drop(id string) error {
	l := d.ledger
	if l.Intent != nil {
		return fmt.Errorf("an interrupted reset (%s) comes first: reboot", l.Intent.ID)
	}
	list, p := &l.Archive, path.Join(archiveDir, id)
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
	there, err := d.kind.identity(p)
	if err != nil {
		return err
	}
	if there != "" {
		if there != o.UUID {
			return fmt.Errorf("%s is not the root that was put there (%s, not %s): left alone", d.top.Path(p), there, o.UUID)
		}
		at, err := d.top.InUse(p)
		if err != nil {
			return err
		}
		if at != "" {
			return fmt.Errorf("old root %s is mounted at %s: unmount it first", id, at)
		}
		if err := d.kind.remove(p); err != nil {
			return err
		}
	}
	*list = slices.Delete(slices.Clone(*list), i, i+1)
	return nil
}

// Settle makes what was dropped last, in one commit of the filesystem, and then writes the ledger.
func (d *disk) Settle(now time.Time) error {
	if err := d.top.Sync(); err != nil {
		return err
	}
	return d.ledger.write(d.top, now)
}

// Pin keeps an old root from being dropped, or lets go of it.
func (d *disk) Pin(id string, on bool, now time.Time) error {
	i := slices.IndexFunc(d.ledger.Archive, func(o Old) bool { return o.ID == id })
	if i < 0 {
		return unknown(id)
	}
	d.ledger.Archive[i].Pinned = on
	return d.ledger.write(d.top, now)
}

func unknown(id string) error {
	return fmt.Errorf("no old root %q: 'anicca archive' lists them", id)
}
