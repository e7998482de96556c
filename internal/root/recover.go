package root

import (
	"errors"
	"fmt"
	"time"
)

// How far an interrupted reset came with one volume.
type progress string

const (
	untouched progress = "untouched" // the old one is in its place, no new one was made
	prepared  progress = "prepared"  // the new one lies ready
	absent    progress = "absent"    // the old one is put away, the new one not yet in its place
	exchanged progress = "exchanged" // the new one is in its place, the old one not yet put away
	complete  progress = "complete"
)

// progressOf finds out from what lies on the disk. The identity of the old volume, noted before anything happened, tells.
func (d *Disk) progressOf(v volume) (progress, error) {
	var at [3]string
	for i, p := range []string{v.work, v.old, v.place} {
		var err error
		if at[i], err = d.kind.Identity(p); err != nil {
			return "", err
		}
	}
	work, old, place := at[0], at[1], at[2]
	switch {
	case place == v.uuid && old == "" && work == "":
		return untouched, nil
	case place == v.uuid && old == "":
		return prepared, nil
	case place == "" && old == v.uuid && work != "":
		return absent, nil
	case place != "" && place != v.uuid && work == v.uuid:
		return exchanged, nil
	case place != "" && place != v.uuid && old == v.uuid:
		return complete, nil
	case place == "":
		return "", fmt.Errorf("there is no root at %s (work %q, archive %q, the old root was %s)", v.place, work, old, v.uuid)
	}
	return "", fmt.Errorf("%s is in a state that no reset leaves (there %s, work %q, archive %q, the old one was %s): nothing was changed",
		v.place, place, work, old, v.uuid)
}

// Recover finishes or undoes what an interrupted reset left, and says what it did.
func (d *Disk) Recover(now time.Time) ([]string, error) {
	if err := d.leaveSaving(now); err != nil {
		return nil, err
	}
	if d.torn != nil {
		return nil, d.putTornAside(now)
	}
	in := d.intent
	if in == nil {
		return nil, nil
	}
	say := func(s string) []string { return []string{fmt.Sprintf("interrupted reset %s: %s", in.ID, s)} }
	if in.Counter <= d.ledger.Counter { // the ledger was written, and then the power went
		return nil, d.forget()
	}
	fail := func(err error) ([]string, error) { return nil, fmt.Errorf("interrupted reset %s: %w", in.ID, err) }
	all, err := d.volumes(in)
	if err != nil {
		return fail(err)
	}
	far := make([]progress, len(all))
	forward, back := false, false
	for i, v := range all {
		if far[i], err = d.progressOf(v); err != nil {
			return fail(err)
		}
		forward = forward || far[i] != untouched && far[i] != prepared
		back = back || far[i] == untouched
	}
	switch {
	case forward && back:
		return fail(fmt.Errorf("the disk is in a state that no reset leaves (%v): nothing was changed", far))
	case !forward:
		said, err := d.undo(in, far, now)
		return say(said), err
	}
	said := "was complete but for the ledger"
	for i, v := range all {
		if far[i] == prepared || far[i] == absent {
			said = "the new root was put in place"
			if err := d.kind.Exchange(v.work, v.place, v.old); err != nil {
				return fail(err)
			}
			far[i] = exchanged
		}
		if far[i] == exchanged {
			if said != "the new root was put in place" {
				said = "the old root was put away"
			}
			if err := d.kind.PutAway(v.work, v.old); err != nil {
				return fail(err)
			}
		}
	}
	return say(said), d.Commit(now)
}

// putTornAside takes an intent out of the way that cannot be read. Nothing tells how far its reset came: the root is kept once,
// for the user to be told, and what lies in anicca's directories without the ledger's naming it is left alone.
func (d *Disk) putTornAside(now time.Time) error {
	aside := fmt.Sprintf("%s.damaged-%s", intentPath, now.UTC().Format("20060102T150405.000Z"))
	if err := d.top.Rename(intentPath, aside); err != nil {
		return errors.Join(d.torn, err)
	}
	err := fmt.Errorf("%w. It is put aside as %s; look with 'anicca archive' whether the last session is there, and reboot", d.torn, aside)
	d.torn = nil
	return err
}

// undo leaves the unused roots where they are, as nothing is deleted at boot, and names them in the ledger.
func (d *Disk) undo(in *Intent, far []progress, now time.Time) (string, error) {
	left := Old{ID: in.ID, Base: in.Base, From: in.From, When: in.When}
	found := false
	all, err := d.volumes(in)
	if err != nil {
		return "", err
	}
	for i, v := range all {
		if far[i] != prepared {
			continue
		}
		found = true
		id, err := d.kind.Identity(v.work)
		if err != nil {
			return "", err
		}
		if i == 0 {
			left.UUID = id
		} else {
			left.Parts = append(left.Parts, Part{Path: in.Parts[i-1].Path, Volume: in.Parts[i-1].Volume, UUID: id})
		}
	}
	if !found {
		return "had not begun", d.forget()
	}
	next := *d.ledger
	next.Leftovers = append(next.Leftovers[:len(next.Leftovers):len(next.Leftovers)], left)
	next.Counter = in.Counter
	if err := d.save(next, now); err != nil {
		return "", err
	}
	return "undone, the root was not touched", d.forget()
}
