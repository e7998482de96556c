package root

import (
	"fmt"
	"path"
	"time"

	"anicca/internal/sys"
)

// Btrfs makes fresh roots as snapshots of read-only base subvolumes.
type Btrfs struct{ disk }

// OpenBtrfs opens the filesystem whose top level is mounted at dir.
// It fails with fs.ErrNotExist if anicca was never set up there.
func OpenBtrfs(dir string) (*Btrfs, error) {
	top, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	b := &Btrfs{disk{top: top, kind: subvolumes{top}}}
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
	if err == nil && id != b.ledger.Filesystem {
		err = fmt.Errorf("the ledger is for filesystem %s, this one is %s: run 'anicca init' on this machine", b.ledger.Filesystem, id)
	}
	return err
}

// CreateBtrfs sets the filesystem up whose top level is mounted at dir.
// It may be called again after an interruption; a ledger that is there is kept.
func CreateBtrfs(dir string, l Ledger, now time.Time) (*Btrfs, error) {
	top, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	if l.Filesystem, err = top.FilesystemUUID(); err != nil {
		return nil, err
	}
	if err := createDisk(top, l, now, sys.Perm{Mode: 0o700}); err != nil {
		return nil, err
	}
	return OpenBtrfs(dir)
}

// MakeBase makes the next base from the root as it is now.
func (b *Btrfs) MakeBase(now time.Time) (Base, error) {
	n, err := b.nextBase(now)
	if err != nil {
		return Base{}, err
	}
	if err := b.top.Snapshot(b.ledger.Root, basePath(n), true); err != nil {
		return Base{}, err
	}
	s, err := b.top.Subvolume(basePath(n))
	if err != nil {
		return Base{}, err
	}
	return b.recordBase(Base{Number: n, UUID: s.UUID, Made: now.UTC()}, now)
}

// LeftOut returns the paths in the root of subvolumes that hold something and that no base contains:
// a snapshot has empty directories in their places.
func (b *Btrfs) LeftOut() ([]string, error) {
	nested, err := b.top.Nested(b.ledger.Root)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range nested {
		empty, err := b.top.Empty(path.Join(b.ledger.Root, p))
		if err != nil {
			return nil, err
		}
		if !empty {
			out = append(out, "/"+p)
		}
	}
	return out, nil
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

// OpenOld returns the directory of an old root; it needs no letting go.
func (b *Btrfs) OpenOld(id string) (string, func() error, error) {
	p, err := b.find(id)
	return b.top.Path(p), func() error { return nil }, err
}

var _ Backend = (*Btrfs)(nil)

// subvolumes are roots as btrfs subvolumes, told apart by their UUIDs.
type subvolumes struct{ top *sys.Tree }

func (v subvolumes) fresh(n int, p string) error { return v.top.Snapshot(basePath(n), p, false) }

func (v subvolumes) identity(p string) (string, error) {
	s, err := v.top.Subvolume(p)
	if missing(err) {
		return "", nil
	}
	return s.UUID, err
}

func (v subvolumes) remove(p string) error { return v.top.RemoveSubvolume(p) }

func (v subvolumes) intact(base Base) error {
	s, err := v.top.Subvolume(basePath(base.Number))
	switch {
	case missing(err):
		return fmt.Errorf("base %d is missing: run 'anicca base new' to make one from the running root", base.Number)
	case err != nil:
		return err
	case s.UUID != base.UUID:
		return fmt.Errorf("base %d is not the one in the ledger (%s, not %s): run 'anicca base new'", base.Number, s.UUID, base.UUID)
	case !s.ReadOnly:
		return fmt.Errorf("base %d is writable, so it may have been changed: run 'anicca base new'", base.Number)
	}
	return nil
}
