package recall

import (
	"strconv"
	"strings"
	"time"

	"anicca/internal/root"
)

// Line is what lay at a path at one time.
type Line struct {
	ID      string     `json:"id"` // as [Machine.Open] takes it
	When    *time.Time `json:"when,omitempty"`
	Boot    int        `json:"boot,omitempty"` // number of the reset that put an old root away
	What    string     `json:"what"`           // compared with the line below it: added, changed, deleted, same, or missing
	Version *Version   `json:"version,omitempty"`
}

// What a [Line] says of what did not change.
const (
	Same    = "same"
	Missing = "missing"
)

// Log tells what lay at p, newest first: in the running root, in the store, then in old roots and bases in the order of time.
func (m *Machine) Log(p string) ([]Line, error) {
	lines, err := m.past()
	if err != nil {
		return nil, err
	}
	lines = append(lines, Line{ID: Store}, Line{ID: Root})
	var out []Line
	var before *Version // in the line below
	for _, l := range lines {
		v, err := m.Open(l.ID)
		if err != nil {
			return nil, err
		}
		l.Version, err = v.whole(p, before)
		if cerr := v.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, err
		}
		l.What = what(before, l.Version)
		if l.ID == Store && l.Version == nil {
			continue // most paths are not kept
		}
		before = l.Version
		out = append([]Line{l}, out...)
	}
	return out, nil
}

// past lists bases and old roots, oldest first: a base before the first session that began as it, or, where that is not known,
// that ended later.
func (m *Machine) past() ([]Line, error) {
	old, err := m.Disk.Archive()
	if err != nil {
		return nil, err
	}
	bases := m.Disk.Ledger().Bases
	var out []Line
	add := func(b root.Base) {
		out = append(out, Line{ID: Base + ":" + strconv.Itoa(b.Number), When: &b.Made})
	}
	for _, o := range old {
		for len(bases) > 0 && (bases[0].Number <= o.Base || o.Base == 0 && bases[0].Made.Before(o.When)) {
			add(bases[0])
			bases = bases[1:]
		}
		if o.Lost {
			continue
		}
		number, _, _ := strings.Cut(o.ID, "-")
		boot, _ := strconv.Atoi(number)
		out = append(out, Line{ID: o.ID, When: &o.When, Boot: boot})
	}
	for _, b := range bases {
		add(b)
	}
	return out, nil
}

func what(before, now *Version) string {
	switch {
	case before == nil && now == nil:
		return Missing
	case before == nil:
		return Added
	case now == nil:
		return Deleted
	}
	a, b := *before, *now
	if a.Type != b.Type || a.Hash != b.Hash || a.Mode != b.Mode || a.UID != b.UID || a.GID != b.GID || a.Target != b.Target {
		return Changed
	}
	return Same
}
