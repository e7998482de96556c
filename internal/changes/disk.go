package changes

import (
	"errors"
	"path"

	"anicca/internal/decl"
	"anicca/internal/review"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// OfDisk finds the changes between the newest base and the running root, and the volumes that are reset with it, in the way that the
// disk allows. Running is the root as programs see it.
func OfDisk(d *root.Disk, running *sys.Tree, look Look) ([]review.Change, error) {
	b, err := d.Base()
	if err != nil {
		return nil, err
	}
	dir, done, err := d.OpenBase()
	if err != nil {
		return nil, err
	}
	defer func() { _ = done() }()
	base, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer base.Close()
	all, err := ofRoot(d, base, running, look)
	if err != nil {
		return nil, err
	}
	for _, p := range b.Parts {
		some, err := ofPart(d, root.PartDir(dir, p.Path), p, running, look.below(p.Path))
		if err != nil {
			return nil, err
		}
		for _, c := range some {
			c.Path = path.Join(p.Path, c.Path)
			all = append(all, c)
		}
	}
	review.Sort(all)
	return all, nil
}

func ofRoot(d *root.Disk, base, running *sys.Tree, look Look) ([]review.Change, error) {
	switch {
	case d.Backend() == decl.Btrfs:
	case d.Backend() == decl.Overlay && d.OnNewest():
	default:
		return Walk(base, running, look)
	}
	now, done, err := d.OpenRunning()
	if err != nil {
		return nil, err
	}
	defer done()
	if d.Backend() == decl.Overlay {
		return Overlay(base, now, look)
	}
	return btrfsOrWalk(base, now, look)
}

func ofPart(d *root.Disk, base string, p root.Part, running *sys.Tree, look Look) ([]review.Change, error) {
	was, err := sys.OpenTree(base)
	if err != nil {
		return nil, err
	}
	defer was.Close()
	if d.Backend() != decl.Btrfs || p.Volume == "" {
		now, err := running.Sub(p.Path)
		if err != nil {
			return nil, err
		}
		defer now.Close()
		return Walk(was, now, look)
	}
	now, done, err := d.OpenVolume(p.Volume)
	if err != nil {
		return nil, err
	}
	defer done()
	return btrfsOrWalk(was, now, look)
}

func btrfsOrWalk(base, now *sys.Tree, look Look) ([]review.Change, error) {
	all, err := Btrfs(base, now, look)
	if errors.Is(err, ErrUnrelated) {
		return Walk(base, now, look)
	}
	return all, err
}
