package root

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"anicca/internal/sys"
)

// ErrNextBoot says that a root becomes a base at the next boot only, because it is nothing but the difference to another.
var ErrNextBoot = errors.New("the root becomes a base at the next boot")

// MakeBase makes the next base from the root, and from the parts that are reset with it, as they are now.
// If its error is [ErrNextBoot], the root becomes the base at the next boot, as it is then.
func (d *Disk) MakeBase(parts []Part, now time.Time) (Base, error) {
	if err := d.settled(); err != nil {
		return Base{}, err
	}
	n, err := d.nextBase(parts)
	if err != nil {
		return Base{}, err
	}
	next := *d.ledger
	next.Making = n
	if err := d.save(next, now); err != nil {
		return Base{}, err
	}
	b := Base{Number: n, Made: now.UTC()}
	err = d.kind.Freeze(d.ledger.Root, b.at())
	if errors.Is(err, ErrNextBoot) {
		return b, d.freezeNext(n, now)
	}
	if err == nil {
		b.UUID, err = d.kind.Identity(b.at())
	}
	for _, p := range parts {
		at := part(b.at(), p.Path)
		if err == nil {
			err = d.kind.Freeze(p.Volume, at)
		}
		if err == nil {
			p.UUID, err = d.kind.Identity(at)
			b.Parts = append(b.Parts, p)
		}
	}
	if err != nil {
		return Base{}, err
	}
	return b, d.recordBase(b, now)
}

func (d *Disk) freezeNext(n int, now time.Time) error {
	if id := d.ledger.Running.From; id != "" {
		return fmt.Errorf("this session runs on old root %s: only one that began as a base can become a base; keep what you need and reboot", id)
	}
	if len(d.ledger.Bases) >= mostBases {
		return fmt.Errorf("there are %d bases, one over the other, and the kernel does not take more: set the machine up anew", mostBases)
	}
	next := *d.ledger
	next.Freeze, next.Making = n, 0
	if err := d.save(next, now); err != nil {
		return err
	}
	return ErrNextBoot
}

// freezable reports whether the root can become the base that was asked for at a reset to the old root of that id, or to a base
// for an empty id, and why not.
func (d *Disk) freezable(from string) (why string, ok bool) {
	switch r := d.ledger.Running; {
	case from != "":
		return "this boot begins as old root " + from, false
	case r.From != "":
		return "what was to become it had begun as old root " + r.From, false
	case r.RAM && !r.Saved:
		return "what was to become it was in memory, and was not saved", false
	}
	return "", true
}

// SettleFreeze takes back that the root becomes a base, if it cannot when this boot begins as the old root of that id, or as a
// base for an empty id. It says so; it is "" if there is nothing to say.
func (d *Disk) SettleFreeze(from string, now time.Time) (string, error) {
	n := d.ledger.Freeze
	why, ok := d.freezable(from)
	if n == 0 || ok {
		return "", nil
	}
	next := *d.ledger
	next.Freeze = 0
	return fmt.Sprintf("base %d was not made: %s. In a session that began as a base, say 'anicca base new' again", n, why), d.save(next, now)
}

// recordBase adds a base that was made to the ledger.
func (d *Disk) recordBase(b Base, now time.Time) error {
	if err := d.top.Sync(); err != nil {
		return err
	}
	next := *d.ledger
	next.Bases = append(next.Bases[:len(next.Bases):len(next.Bases)], b)
	next.Making = 0
	return d.save(next, now)
}

// OpenBase returns a directory where the newest base can be read, and a function that lets go of it.
func (d *Disk) OpenBase() (dir string, done func() error, err error) {
	b, err := d.Base()
	if err != nil {
		return "", nil, err
	}
	dir, _, done, err = d.OpenNumber(b.Number, "/")
	return dir, done, err
}

// wholeDisk is the path of a base that is the top level itself.
const wholeDisk = "."

// Adopt makes what lies at p, from the top level, base 1 of a backend whose roots are differences, and the first root over it.
// It may be called again after an interruption.
func (d *Disk) Adopt(p string, now time.Time) error {
	if err := d.adopt(p, now); err != nil {
		return err
	}
	for _, p := range []string{scratch, scratchBelow, scratchOld} {
		if err := d.top.MkdirAll(p, func(string) sys.Perm { return sys.Mine(0o700) }); err != nil {
			return err
		}
	}
	if id, err := d.Current(); err != nil || id != "" {
		if next := *d.ledger; err == nil && next.Saving != "" {
			next.Saving = ""
			err = d.save(next, now)
		}
		return err
	}
	return d.first(p, now)
}

// first makes the first root over a base. It is made aside, and what an interruption has left of an earlier try is removed.
func (d *Disk) first(base string, now time.Time) error {
	next := *d.ledger
	if next.Saving != "" {
		if err := d.kind.Remove(path.Join(workDir, next.Saving)); err != nil && !missing(err) {
			return err
		}
	}
	next.Saving = "first-" + now.UTC().Format("20060102T150405.000Z")
	if err := errors.Join(d.Sweep(), d.save(next, now)); err != nil {
		return err
	}
	first := path.Join(workDir, next.Saving)
	if err := d.kind.Fresh(base, first, d.ledger.Root); err != nil {
		return err
	}
	return d.kind.PutAway(first, d.ledger.Root)
}

func (d *Disk) adopt(p string, now time.Time) error {
	if len(d.ledger.Bases) > 0 {
		return nil
	}
	id, err := d.kind.Identity(p)
	if err == nil && id == "" {
		err = fmt.Errorf("there is nothing at %s", d.top.Path(p))
	}
	if err != nil {
		return err
	}
	if err := d.top.Sync(); err != nil {
		return err
	}
	next := *d.ledger
	next.Bases = []Base{{Number: 1, UUID: id, Made: now.UTC(), Path: p}}
	next.Running.Base = 1
	if err := d.save(next, now); err != nil {
		return err
	}
	d.kind, err = backend(d.top, d.ledger)
	return err
}

// nextBase returns the number of the next base. What an interruption has left of one that we had begun is of an older moment:
// it is removed rather than trusted. A number that something else lies under is passed over.
func (d *Disk) nextBase(parts []Part) (int, error) {
	n := 1
	if old, err := d.ledger.newestBase(); err == nil {
		n = old.Number + 1
	}
	names, err := d.kind.List(baseDir)
	if err != nil {
		return 0, err
	}
	for ; ; n++ {
		taken := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			number, _, _ := strings.Cut(name, ".")
			return number != strconv.Itoa(n)
		})
		ours := []string{strconv.Itoa(n)}
		for _, p := range parts {
			ours = append(ours, path.Base(part(basePath(n), p.Path)))
		}
		foreign := slices.ContainsFunc(taken, func(name string) bool { return !slices.Contains(ours, name) })
		if len(taken) > 0 && (d.ledger.Making != n || foreign) {
			continue
		}
		for _, name := range taken {
			if err := d.kind.Remove(path.Join(baseDir, name)); err != nil {
				return 0, err
			}
		}
		return n, nil
	}
}
