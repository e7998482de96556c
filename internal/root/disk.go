package root

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// Disk is one filesystem that roots are made on, with its ledger.
type Disk struct {
	top    *sys.Tree // the filesystem's top level, writable
	ledger *Ledger
	kind   Backend
	intent *Intent // of a reset that is not committed
}

// Open opens the filesystem whose top level is mounted at dir.
// It fails with fs.ErrNotExist if anicca was never set up there, and with [ErrDamaged] if its ledger cannot be read.
func Open(dir string) (*Disk, error) {
	top, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	d := &Disk{top: top}
	if d.ledger, err = readLedger(top); err == nil {
		d.kind, err = backend(top, d.ledger)
	}
	if err == nil {
		err = d.check()
	}
	if err == nil {
		d.intent, err = readIntent(top)
	}
	if err != nil {
		top.Close()
		return nil, err
	}
	return d, nil
}

func backend(top *sys.Tree, l *Ledger) (Backend, error) {
	switch l.Backend {
	case decl.Btrfs:
		return subvolumes{top}, nil
	case decl.ZFS:
		return openPool(top)
	case decl.Overlay:
		return directories{top, slices.ContainsFunc(l.Bases, func(b Base) bool { return b.Path == wholeDisk })}, nil
	}
	return nil, fmt.Errorf("the ledger is of the backend %q, which this program does not know", l.Backend)
}

// check makes sure that the ledger belongs to this filesystem and not to one that it was copied from.
func (d *Disk) check() error {
	id, err := filesystem(d.top, d.kind)
	if err == nil && id != d.ledger.Filesystem {
		err = fmt.Errorf("the ledger is for filesystem %s, this one is %s: run 'anicca init' on this machine", d.ledger.Filesystem, id)
	}
	return err
}

// filesystem tells the filesystem that roots are kept on from every other.
func filesystem(top *sys.Tree, kind Backend) (string, error) {
	if v, ok := kind.(*datasets); ok {
		return v.guid()
	}
	return top.FilesystemUUID()
}

// Create sets a filesystem up whose top level is mounted at dir, for the backend that the ledger names.
// It may be called again after an interruption; a ledger that is there is kept.
func Create(dir string, l Ledger, now time.Time) (*Disk, error) {
	top, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	kind, err := backend(top, &l)
	if err != nil {
		return nil, err
	}
	if l.Filesystem, err = filesystem(top, kind); err != nil {
		return nil, err
	}
	if err := rooms(top, kind); err != nil {
		return nil, err
	}
	there, err := top.Exists(ledgerPath)
	if err == nil && !there {
		l.Format = ledgerFormat
		err = l.write(top, now)
	}
	if err != nil {
		return nil, err
	}
	return Open(dir)
}

// rooms makes the places of bases and old roots.
func rooms(top *sys.Tree, kind Backend) error {
	for _, p := range []string{anicca, baseDir, archiveDir, workDir} {
		var err error
		if v, ok := kind.(*datasets); ok {
			err = v.container(p)
		} else {
			err = top.MkdirAll(p, func(string) sys.Perm { return sys.Mine(0o700) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close releases the top level.
func (d *Disk) Close() error { return d.top.Close() }

// Ledger returns the record of the filesystem. It must not be changed.
func (d *Disk) Ledger() *Ledger { return d.ledger }

// Backend returns how roots are kept here.
func (d *Disk) Backend() decl.Backend { return d.kind.Name() }

// Top returns the directory that the top level is mounted at.
func (d *Disk) Top() string { return d.top.Name() }

// save writes a changed ledger; if that fails, the old one stays.
func (d *Disk) save(next Ledger, now time.Time) error {
	if err := next.write(d.top, now); err != nil {
		return err
	}
	*d.ledger = next
	return nil
}

// Current returns the identity of the root in place.
func (d *Disk) Current() (string, error) { return d.kind.Identity(d.ledger.Root) }

// Base returns the newest base and makes sure that it is the one that the ledger means, with all its parts.
func (d *Disk) Base() (Base, error) {
	b, err := d.ledger.newestBase()
	if err != nil {
		return b, err
	}
	if err := d.kind.Intact(b.at(), b.UUID); err != nil {
		return b, fmt.Errorf("base %d %w: run 'anicca base new' to make one from the running root", b.Number, err)
	}
	for _, p := range b.Parts {
		if err := d.kind.Intact(part(b.at(), p.Path), p.UUID); err != nil {
			return b, fmt.Errorf("base %d, its %s: %w: run 'anicca base new' to make one from the running root", b.Number, p.Path, err)
		}
	}
	return b, nil
}

// at is where the base lies, from the top level.
func (b Base) at() string {
	if b.Path != "" {
		return b.Path
	}
	return basePath(b.Number)
}

func basePath(n int) string    { return path.Join(baseDir, strconv.Itoa(n)) }
func oldPath(id string) string { return path.Join(archiveDir, id) }

// part is where the part that is mounted at the given path belongs beside a root, base or old root.
func part(p, mounted string) string {
	return p + "." + strings.ReplaceAll(strings.Trim(mounted, "/"), "/", "-")
}

// PartDir is where the part of a base or old root can be read whose own directory is given.
func PartDir(dir, mounted string) string { return part(dir, mounted) }

// CheckRunning reports with an error if the root mounted at dir is not the one that was made by a backend; nil is nothing that was made.
// It needs no disk: it is for a machine that runs.
func CheckRunning(kind decl.Backend, dir string, made *Made) error {
	switch {
	case made == nil:
		return nil
	case kind == decl.Btrfs:
		return CheckBtrfs(dir, *made)
	case kind == decl.Overlay:
		return CheckOverlay(dir)
	}
	return nil
}

// Check reports with an error if the root that is mounted at dir is not the one that was made; nil is nothing that was made.
func (d *Disk) Check(dir string, made *Made) error {
	if made == nil {
		return nil
	}
	return d.kind.Check(dir, *made)
}

// layersOf returns what a root that begins as an old root, or as the newest base, lies over, uppermost first.
func (d *Disk) layersOf(id string) ([]string, error) {
	if id == "" {
		b, err := d.Base()
		if err != nil {
			return nil, err
		}
		return d.layers(b.Number, "")
	}
	return d.layers(0, id)
}

// layers returns what a root lies over, uppermost first, if it began as the old root of that id, or as that base.
func (d *Disk) layers(base int, from string) ([]string, error) {
	var out []string
	for seen := map[string]bool{}; from != "" && !seen[from]; {
		seen[from] = true
		o, err := d.ledger.old(from)
		if err != nil {
			return nil, err
		}
		out = append(out, oldPath(from))
		if d.standsAlone() {
			return out, nil
		}
		base, from = o.Base, o.From
	}
	for seen := map[int]bool{}; base != 0 && !seen[base]; {
		seen[base] = true
		b, err := d.ledger.base(base)
		if err != nil {
			return nil, err
		}
		out = append(out, b.at())
		base = b.On
	}
	return out, nil
}

// standsAlone reports whether roots are whole, rather than differences to what they lie over.
func (d *Disk) standsAlone() bool { return d.kind.Name() == decl.Btrfs }

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
