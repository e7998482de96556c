package root

import (
	"errors"
	"fmt"
	"path"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// subvolumes are roots as btrfs subvolumes: a fresh one is a snapshot of a read-only base. They are told apart by their UUIDs.
type subvolumes struct{ top *sys.Tree }

func (v subvolumes) Name() decl.Backend { return decl.Btrfs }

func (v subvolumes) Fresh(from, p, _ string) error { return v.top.Snapshot(from, p, false) }

func (v subvolumes) Freeze(root, p string) error { return v.top.Snapshot(root, p, true) }

func (v subvolumes) Identity(p string) (string, error) {
	s, err := v.top.Subvolume(p)
	if missing(err) {
		return "", nil
	}
	return s.UUID, err
}

func (v subvolumes) Intact(p, identity string) error {
	s, err := v.top.Subvolume(p)
	switch {
	case missing(err):
		return errors.New("is missing")
	case err != nil:
		return err
	case s.UUID != identity:
		return fmt.Errorf("is not the one in the ledger (%s, not %s)", s.UUID, identity)
	case !s.ReadOnly:
		return errors.New("is writable, so it may have been changed")
	}
	return nil
}

func (v subvolumes) Exchange(work, root, _ string) error { return v.top.Exchange(work, root) }

func (v subvolumes) PutAway(work, old string) error { return v.top.Rename(work, old) }

func (v subvolumes) Finish(_, _ string) error { return nil }

func (v subvolumes) Remove(p string) error { return v.top.RemoveSubvolume(p) }

func (v subvolumes) InUse(p string) (string, error) { return v.top.InUse(p) }

func (v subvolumes) List(dir string) ([]string, error) { return v.top.List(dir) }

func (v subvolumes) Open(p string, _ []string) (string, func() error, error) {
	return v.top.Path(p), func() error { return nil }, nil
}

func (v subvolumes) Check(dir string, made Made) error { return CheckBtrfs(dir, made) }

// CheckBtrfs reports with an error if the root mounted at dir is not the subvolume that was made.
func CheckBtrfs(dir string, made Made) error {
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
		return fmt.Errorf("the root at %s is subvolume %s from %s, but this boot made %s from %s: check 'rootflags=' on the kernel command line",
			dir, s.UUID, or(s.Parent, "nothing"), made.UUID, made.origin())
	}
	return nil
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// LeftOut returns the paths in the root of subvolumes that hold something and that no base contains:
// a snapshot has empty directories in their places.
func (d *Disk) LeftOut() ([]string, error) {
	if d.kind.Name() != decl.Btrfs {
		return nil, nil
	}
	nested, err := d.top.Nested(d.ledger.Root)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range nested {
		empty, err := d.top.Empty(path.Join(d.ledger.Root, p))
		if err != nil {
			return nil, err
		}
		if !empty {
			out = append(out, "/"+p)
		}
	}
	return out, nil
}
