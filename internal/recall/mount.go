package recall

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"anicca/internal/root"
	"anicca/internal/sys"
)

// BrowseDir is where old roots are mounted to be looked at, by root alone.
const BrowseDir = "/run/anicca/browse"

// Mount mounts an old root, with its parts, to be read at the directory dir of the running root, an empty one, or below
// [BrowseDir] for an empty dir. It returns where. Until [Machine.Unmount] the old root does not expire.
func (m *Machine) Mount(o root.Old, dir string) (string, error) {
	if dir == "" {
		dir = path.Join(BrowseDir, o.ID)
		err := m.Root.MkdirAll(dir, func(p string) sys.Perm {
			if p == BrowseDir || p == dir {
				return sys.Mine(0o700)
			}
			return sys.Mine(0o755)
		})
		if err != nil {
			return "", err
		}
	}
	switch is, err := m.mounted(dir); {
	case err != nil:
		return "", err
	case is:
		return "", fmt.Errorf("something is mounted at %s already", dir)
	}
	switch empty, err := m.Root.Empty(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no directory %s: make it first", dir)
	case err != nil:
		return "", err
	case !empty:
		return "", fmt.Errorf("%s is not an empty directory: what lies there would be hidden", dir)
	}
	v := m.alone(o)
	err := m.bind(v, "/", dir)
	for _, p := range v.parts {
		if err == nil {
			err = m.bind(v, p, path.Join(dir, p))
		}
	}
	if err = errors.Join(err, v.Close()); err != nil {
		return "", errors.Join(err, m.Unmount(dir))
	}
	return dir, nil
}

func (m *Machine) bind(v *View, p, to string) error {
	t, rest, err := v.at(p)
	if err != nil {
		return err
	}
	return sys.Bind(t, rest, m.Root, to, []string{"ro", "nosuid", "nodev"})
}

// mounted reports whether something is mounted at the directory dir.
func (m *Machine) mounted(dir string) (bool, error) {
	mounts, err := sys.MountsIn(m.Root.Path(dir))
	return slices.Contains(mounts, m.Root.Path(dir)), err
}

// Unmount takes away what [Machine.Mount] has mounted at dir. It refuses what is no old root, and what programs use.
func (m *Machine) Unmount(dir string) error {
	at := m.Root.Path(dir)
	mounts, err := sys.MountsIn(at)
	if err != nil {
		return err
	}
	if !slices.Contains(mounts, at) {
		if path.Dir(dir) == BrowseDir { // what an interruption has left
			if err := m.Root.Remove(dir); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return fmt.Errorf("no old root is mounted at %s", dir)
	}
	x, err := sys.MountAt(at)
	if err != nil {
		return err
	}
	if !ours(x.Root, x.Source, x.VFSOptions) {
		return fmt.Errorf("what is mounted at %s is not an old root: left alone", dir)
	}
	slices.SortFunc(mounts, func(a, b string) int { return len(b) - len(a) }) // what lies in another first
	for _, p := range mounts {
		err := m.Root.Unmount(strings.TrimPrefix(p, strings.TrimSuffix(m.Root.Name(), "/")), false)
		if sys.IsBusy(err) {
			return m.busy(dir, err)
		}
		if err != nil {
			return err
		}
	}
	if path.Dir(dir) == BrowseDir {
		return m.Root.Remove(dir)
	}
	return nil
}

// ours reports whether a mount is one of an old root, by its place on the disk, its dataset, or the layers of an overlay.
func ours(root, source, options string) bool {
	for _, s := range []string{root, "/" + source, options} {
		if strings.Contains(s, "/anicca/archive/") {
			return true
		}
	}
	return false
}

func (m *Machine) busy(dir string, err error) error {
	holders, herr := m.Root.MountHolders(dir)
	if herr != nil || len(holders) == 0 {
		return err
	}
	var who []string
	for _, h := range holders {
		who = append(who, h.String())
	}
	return fmt.Errorf("%s stays mounted, as programs use it: %s", dir, strings.Join(who, ", "))
}

// Browsed returns the directory below [BrowseDir] that an old root is mounted at, by a beginning of its id or its number.
func (m *Machine) Browsed(name string) (string, error) {
	names, err := m.Root.List(BrowseDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, n := range names {
		number, _, _ := strings.Cut(n, "-")
		if n == name || strings.HasPrefix(n, name) || strings.TrimLeft(number, "0") == name {
			return path.Join(BrowseDir, n), nil
		}
	}
	return "", fmt.Errorf("old root %q is not mounted below %s", name, BrowseDir)
}
