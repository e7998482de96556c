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

// Btrfs makes fresh roots as snapshots of read-only base subvolumes.
type Btrfs struct {
	top    *sys.Tree // the filesystem's top level, mounted for writing
	ledger *Ledger
}

// OpenBtrfs opens the filesystem whose top level is mounted at dir.
// It fails with fs.ErrNotExist if anicca was never set up there.
func OpenBtrfs(dir string) (*Btrfs, error) {
	top, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	b := &Btrfs{top: top}
	if b.ledger, err = readLedger(top); err == nil {
		err = b.check()
	}
	if err != nil {
		top.Close()
		return nil, err
	}
	return b, nil
}

// check makes sure that the ledger belongs to this filesystem and not to one that it was copied from.
func (b *Btrfs) check() error {
	id, err := b.top.FilesystemUUID()
	if err != nil {
		return err
	}
	if id != b.ledger.Filesystem {
		return fmt.Errorf("the ledger is for filesystem %s, this one is %s: run 'anicca init' on this machine", b.ledger.Filesystem, id)
	}
	return nil
}

// Close releases the top level.
func (b *Btrfs) Close() error { return b.top.Close() }

// Ledger returns the record of the filesystem. It must not be changed.
func (b *Btrfs) Ledger() *Ledger { return b.ledger }

// CreateBtrfs makes anicca's directory and ledger on the filesystem mounted at dir.
// It may be called again after an interruption; a ledger that is there is kept.
func CreateBtrfs(dirname string, l Ledger, now time.Time) (*Btrfs, error) {
	top, err := sys.OpenTree(dirname)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	for _, d := range []string{dir, baseDir, archiveDir, workDir} {
		if err := top.MkdirAll(d, func(string) sys.Perm { return sys.Perm{Mode: 0o700} }); err != nil {
			return nil, err
		}
	}
	if there, err := top.Exists(ledgerPath); err != nil || there {
		if err != nil {
			return nil, err
		}
		return OpenBtrfs(dirname)
	}
	l.Format = ledgerFormat
	if l.Filesystem, err = top.FilesystemUUID(); err != nil {
		return nil, err
	}
	if err := l.write(top, now); err != nil {
		return nil, err
	}
	return OpenBtrfs(dirname)
}

// MakeBase makes the next base from the root as it is now.
func (b *Btrfs) MakeBase(now time.Time) (Base, error) {
	n := 1
	if old, err := b.ledger.newestBase(); err == nil {
		n = old.Number + 1
	}
	at := path.Join(baseDir, strconv.Itoa(n))
	// A snapshot that an interruption kept out of the ledger is one we made under a name that is ours alone,
	// but of an older moment: put it aside rather than trust it.
	if there, err := b.top.Exists(at); err != nil {
		return Base{}, err
	} else if there {
		if err := b.top.Rename(at, path.Join(workDir, fmt.Sprintf("base-%d-%s", n, now.UTC().Format("20060102T150405Z")))); err != nil {
			return Base{}, err
		}
	}
	if err := b.top.Snapshot(b.ledger.Root, at, true); err != nil {
		return Base{}, err
	}
	s, err := b.top.Subvolume(at)
	if err != nil {
		return Base{}, err
	}
	base := Base{Number: n, UUID: s.UUID, Made: now.UTC()}
	b.ledger.Bases = append(b.ledger.Bases, base)
	if err := b.top.Sync(); err != nil {
		return Base{}, err
	}
	return base, b.ledger.write(b.top, now)
}

// Base returns the newest base and makes sure that it is the one that the ledger means.
func (b *Btrfs) Base() (Base, error) {
	base, err := b.ledger.newestBase()
	if err != nil {
		return Base{}, err
	}
	s, err := b.top.Subvolume(path.Join(baseDir, strconv.Itoa(base.Number)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Base{}, fmt.Errorf("base %d is missing: run 'anicca base new' to make one from the running root", base.Number)
	case err != nil:
		return Base{}, err
	case s.UUID != base.UUID:
		return Base{}, fmt.Errorf("base %d is not the one in the ledger (%s, not %s): run 'anicca base new'", base.Number, s.UUID, base.UUID)
	case !s.ReadOnly:
		return Base{}, fmt.Errorf("base %d is writable, so it may have been changed: run 'anicca base new'", base.Number)
	}
	return base, nil
}

// HasModules reports whether the newest base holds the modules of a kernel release.
func (b *Btrfs) HasModules(release string) (bool, error) {
	base, err := b.Base()
	if err != nil {
		return false, err
	}
	for _, lib := range []string{"usr/lib/modules", "lib/modules"} {
		there, err := b.top.Exists(path.Join(baseDir, strconv.Itoa(base.Number), lib, release))
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
func (b *Btrfs) Reset(now time.Time, bootID string) (Made, error) {
	l := b.ledger
	if l.Intent != nil {
		return Made{}, errors.New("internal error: an earlier reset was not recovered")
	}
	base, err := b.Base()
	if err != nil {
		return Made{}, err
	}
	old, err := b.top.Subvolume(l.Root)
	if err != nil {
		return Made{}, err
	}
	in := Intent{Counter: l.Counter + 1, Base: base.Number, OldUUID: old.UUID, BootID: bootID, When: now.UTC()}
	in.ID = oldID(in.Counter, now)
	for _, p := range []string{b.work(in), b.old(in)} {
		if there, err := b.top.Exists(p); err != nil || there {
			return Made{}, errors.Join(err, fmt.Errorf("%s is in the way of the reset: move it away", p))
		}
	}
	l.Intent = &in
	if err := l.write(b.top, now); err != nil {
		l.Intent = nil
		return Made{}, err
	}
	if err := b.top.Snapshot(path.Join(baseDir, strconv.Itoa(base.Number)), b.work(in), false); err != nil {
		return Made{}, err
	}
	fresh, err := b.top.Subvolume(b.work(in))
	if err != nil {
		return Made{}, err
	}
	if err := b.top.Exchange(b.work(in), l.Root); err != nil {
		return Made{}, err
	}
	if err := b.putAway(now); err != nil {
		return Made{}, err
	}
	return Made{Counter: in.Counter, Base: base.Number, UUID: fresh.UUID, Parent: base.UUID, Archive: in.ID}, nil
}

func (b *Btrfs) work(in Intent) string { return path.Join(workDir, in.ID) }
func (b *Btrfs) old(in Intent) string  { return path.Join(archiveDir, in.ID) }

// putAway moves the old root from its working name into the archive and commits.
func (b *Btrfs) putAway(now time.Time) error {
	in := *b.ledger.Intent
	if err := b.top.Rename(b.work(in), b.old(in)); err != nil {
		return err
	}
	return b.commit(now)
}

// commit records the finished reset.
// The whole filesystem is synced first: fsync of the ledger alone does not carry renames of subvolumes with it.
func (b *Btrfs) commit(now time.Time) error {
	if err := b.top.Sync(); err != nil {
		return err
	}
	l, in := b.ledger, *b.ledger.Intent
	l.Archive = append(l.Archive, Old{ID: in.ID, UUID: in.OldUUID, Base: in.Base, When: in.When})
	l.Counter = in.Counter
	l.Intent = nil
	return l.write(b.top, now)
}

// Verify reports with an error if the tree at dir is not the root that was made.
func (b *Btrfs) Verify(dir string, made Made) error {
	t, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	s, err := t.Subvolume(".")
	if err != nil {
		return err
	}
	if s.UUID != made.UUID || s.Parent != made.Parent {
		return fmt.Errorf("the root at %s is subvolume %s from %s, but this boot made %s from base %d: check 'rootflags=' on the kernel command line",
			dir, s.UUID, s.Parent, made.UUID, made.Base)
	}
	return nil
}
