package root

import (
	"errors"

	"anicca/internal/sys"
)

// nixos is what every root of NixOS holds. The modules of its kernels are not in the root, but in the Nix store beside it.
const nixos = "etc/NIXOS"

// HasModules reports whether a root that begins as the old root of that id, or as the newest base for an empty id,
// holds the modules of a kernel release.
func (d *Disk) HasModules(release, id string) (bool, error) {
	layers, err := d.layersOf(id)
	if err != nil {
		return false, err
	}
	for _, at := range layers {
		if has, err := d.hasModules(at, release); has || err != nil {
			return has, err
		}
	}
	return false, nil
}

func (d *Disk) hasModules(at, release string) (bool, error) {
	t, done, err := d.OpenVolume(at)
	if err != nil {
		return false, err
	}
	defer done()
	for _, p := range []string{"usr/lib/modules/" + release, "lib/modules/" + release, nixos} {
		s, err := t.Stat(p)
		if err == nil && (s.IsDir() || p == nixos) {
			return true, nil
		}
		if err != nil && !missing(err) && !sys.IsLoop(err) { // /lib is a link where /usr is merged
			return false, err
		}
	}
	return false, nil
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
