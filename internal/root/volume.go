package root

import (
	"errors"
	"slices"
	"syscall"

	"anicca/internal/sys"
)

// nixos is what every root of NixOS holds. The modules of its kernels are not in the root, but in the Nix store beside it.
const nixos = "etc/NIXOS"

// HasModules reports whether a root that begins as the old root of that id, or as the newest base for an empty id,
// holds the modules of a kernel release. A root that is about to become a base counts as one.
func (d *Disk) HasModules(release, id string) (bool, error) {
	layers, err := d.layersOf(id)
	if err == nil && id == "" && d.ledger.Freeze != 0 {
		if layers, err = d.under(); err == nil {
			layers = append([]string{d.ledger.Root}, layers...)
		}
	}
	if err != nil {
		return false, err
	}
	open := []string{"usr/lib/modules/" + release, "lib/modules/" + release, nixos}
	for _, at := range layers {
		has, hidden, err := d.hasAny(at, open)
		if has || err != nil {
			return has, err
		}
		open = slices.DeleteFunc(open, func(p string) bool { return slices.Contains(hidden, p) })
	}
	return false, nil
}

// hasAny looks for the paths in one layer: has says that one is there, hidden which ones no lower layer can show.
func (d *Disk) hasAny(at string, paths []string) (has bool, hidden []string, err error) {
	t, done, err := d.OpenVolume(at)
	if err != nil {
		return false, nil, err
	}
	defer done()
	for _, p := range paths {
		s, err := t.Stat(p)
		switch {
		case err == nil && (s.IsDir() || p == nixos && s.IsFile()):
			return true, nil, nil
		case err == nil || errors.Is(err, syscall.ENOTDIR): // an overlay marks what was removed by a device in its place
			hidden = append(hidden, p)
		case missing(err) || sys.IsLoop(err): // /lib is a link where /usr is merged
		default:
			return false, nil, err
		}
	}
	return false, hidden, nil
}

// OpenVolume opens what lies at p, from the top level, by itself, such as a store that is not mounted yet.
// Close it with the function only.
func (d *Disk) OpenVolume(p string) (*sys.Tree, func(), error) {
	dir, done, err := d.kind.Open(p, nil)
	if err != nil {
		return nil, nil, err
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return t, func() {
		t.Close()
		_ = done() // what cannot be unmounted now is let go of when the machine goes down
	}, nil
}
