package root

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Recover finishes or undoes an interrupted reset.
// The UUID of the old root, noted before anything happened, tells how far it came.
func (b *Btrfs) Recover() ([]string, error) {
	in := b.ledger.Intent
	if in == nil {
		return nil, nil
	}
	now := time.Now()
	atWork, err := b.uuidAt(b.work(*in))
	if err != nil {
		return nil, err
	}
	atOld, err := b.uuidAt(b.old(*in))
	if err != nil {
		return nil, err
	}
	atRoot, err := b.uuidAt(b.ledger.Root)
	if err != nil {
		return nil, err
	}
	say := func(s string) []string { return []string{fmt.Sprintf("interrupted reset %s: %s", in.ID, s)} }
	switch {
	case atRoot == "":
		return nil, fmt.Errorf("interrupted reset %s: there is no root at %s", in.ID, b.ledger.Root)
	case atOld == in.OldUUID && atRoot != in.OldUUID:
		return say("was complete but for the ledger"), b.commit(now)
	case atWork == in.OldUUID && atRoot != in.OldUUID:
		return say("the old root was put away"), b.putAway(now)
	case atRoot == in.OldUUID && atWork != "" && atOld == "":
		// The unused snapshot stays where it is: nothing is deleted at boot.
		b.ledger.Leftovers = append(b.ledger.Leftovers, Old{ID: in.ID, UUID: atWork, Base: in.Base, When: in.When})
		b.ledger.Counter = in.Counter
		b.ledger.Intent = nil
		return say("undone, the root was not touched"), b.ledger.write(b.top, now)
	case atRoot == in.OldUUID && atWork == "" && atOld == "":
		b.ledger.Intent = nil
		return say("had not begun"), b.ledger.write(b.top, now)
	}
	return nil, fmt.Errorf("interrupted reset %s: the disk is in a state that no reset leaves (root %s, work %q, archive %q, old root was %s): nothing was changed",
		in.ID, atRoot, atWork, atOld, in.OldUUID)
}

// uuidAt returns the UUID of the subvolume at p, "" if nothing is there.
func (b *Btrfs) uuidAt(p string) (string, error) {
	s, err := b.top.Subvolume(p)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return s.UUID, err
}

// Archive lists the old roots that are really there, oldest first.
func (b *Btrfs) Archive() ([]Old, error) {
	var out []Old
	for _, o := range b.ledger.Archive {
		there, err := b.top.Exists(archiveDir + "/" + o.ID)
		if err != nil {
			return nil, err
		}
		if there {
			out = append(out, o)
		}
	}
	return out, nil
}

// OpenOld returns the directory of an old root; it needs no letting go.
func (b *Btrfs) OpenOld(id string) (string, func() error, error) {
	for _, o := range b.ledger.Archive {
		if o.ID == id {
			return b.top.Path(archiveDir + "/" + id), func() error { return nil }, nil
		}
	}
	return "", nil, fmt.Errorf("no old root %q: 'anicca archive' lists them", id)
}

var _ Backend = (*Btrfs)(nil)
