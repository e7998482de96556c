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
	torn   error   // why the intent of one cannot be read
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
	if errors.Is(err, errIntent) {
		d.torn, err = err, nil
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
	switch {
	case err != nil:
	case there:
		err = newName(top, l.Filesystem, now)
	default:
		l.Format = ledgerFormat
		err = l.write(top, now)
	}
	if err != nil {
		return nil, err
	}
	return Open(dir)
}

// newName lets a ledger follow its filesystem, whose UUID was changed. It does not if the ledger is a copy: then its bases are not here.
func newName(top *sys.Tree, id string, now time.Time) error {
	l, err := readLedger(top)
	if err != nil || l.Filesystem == id {
		return err
	}
	d := &Disk{top: top, ledger: l}
	if d.kind, err = backend(top, l); err != nil {
		return err
	}
	if _, err := d.Base(); err != nil {
		return fmt.Errorf("%s is a copy from another filesystem (%s, this is %s), and what it names is not here (%w): move %s away",
			top.Path(ledgerPath), l.Filesystem, id, err, top.Path(anicca))
	}
	next := *l
	next.Filesystem = id
	return d.save(next, now)
}

// rooms makes the places of bases and old roots.
func rooms(top *sys.Tree, kind Backend) error {
	for _, p := range []string{anicca, baseDir, archiveDir, workDir} {
		var err error
		if v, ok := kind.(*datasets); ok {
			err = v.container(p)
		} else {
			err = room(top, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// room makes a directory that is ours alone. One that somebody else could have filled is not taken.
func room(top *sys.Tree, p string) error {
	if err := top.MkdirAll(p, func(string) sys.Perm { return sys.Mine(0o700) }); err != nil {
		return err
	}
	s, err := top.Stat(p)
	switch mine := sys.Mine(0o700); {
	case err != nil || int(s.Uid) == mine.UID && s.Perm() == mine.Mode:
		return err
	case int(s.Uid) != mine.UID || s.Perm()&0o022 != 0:
		return fmt.Errorf("%s is there already, and not the administrator's alone (mode %04o, owner %d): move it away", top.Path(p), s.Perm(), s.Uid)
	default:
		return top.Adjust(p, func(sys.Perm) sys.Perm { return mine })
	}
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

// settled reports with an error if a reset was interrupted, and nothing else may be done before [Disk.Recover].
func (d *Disk) settled() error {
	switch {
	case d.intent != nil:
		return fmt.Errorf("an interrupted reset (%s) comes first: reboot", d.intent.ID)
	case d.torn != nil:
		return fmt.Errorf("%w: reboot", d.torn)
	}
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

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
