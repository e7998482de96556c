package root

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"anicca/internal/sys"
)

// stack puts directories of one filesystem together, read-only, as an overlay does.
//
// An overlay takes no two lower directories of which one lies in the other, and all of ours lie in the base where that is the
// filesystem's top level. It does take an upper directory there. So the lowest difference is mounted as the upper directory
// of an overlay of its own, and the others over that. Two levels are what the kernel lets be stacked.
type stack struct {
	top     *sys.Tree
	at      *sys.Tree // directory for mount points
	scratch string
	made    []string // mount points in it
	mounted []string // of these
}

// lower returns what an overlay over the layers, uppermost first, has to name as its lower directories.
func (s *stack) lower(layers []string) (string, error) {
	layers = slices.Clone(layers)
	n := len(layers)
	if n > 1 && layers[n-1] == wholeDisk {
		below, err := s.difference(layers[n-2])
		if err != nil {
			return "", err
		}
		layers = layers[:n-2]
		for i, l := range layers {
			layers[i] = layer(s.top, l)
		}
		return join(append(layers, below)), nil
	}
	for i, l := range layers {
		layers[i] = layer(s.top, l)
	}
	return join(layers), nil
}

// difference mounts one difference over the top level, as nothing else than to be read.
func (s *stack) difference(layer string) (dir string, err error) {
	if below(layer) {
		return belowDir, nil
	}
	return s.dir("below", fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", s.top.Name(), s.top.Path(layer), s.top.Path(s.scratch)))
}

// below reports whether what the running root lies over is this difference over the top level. Then it is there already;
// the kernel does not like an upper directory to be mounted twice.
func below(layer string) bool {
	m, err := sys.MountAt(belowDir)
	return err == nil && m.Mountpoint == belowDir && strings.Contains(m.VFSOptions, "/"+layer+",")
}

// mount mounts the layers, uppermost first, at the directory name.
func (s *stack) mount(name string, layers []string) error {
	if len(layers) == 2 && layers[1] == wholeDisk {
		_, err := s.dir(name, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", s.top.Name(), s.top.Path(layers[0]), s.top.Path(s.scratch)))
		return err
	}
	lower, err := s.lower(layers)
	if err == nil {
		_, err = s.dir(name, "lowerdir="+lower)
	}
	return err
}

func (s *stack) dir(name, data string) (string, error) {
	if there, err := s.at.Exists(name); err != nil || !there {
		if err := errors.Join(err, s.at.Mkdir(name, sys.Mine(0o700))); err != nil {
			return "", err
		}
		s.made = append(s.made, name)
	}
	dir := path.Join(s.at.Name(), name)
	if err := mountOverlay(s.top, "anicca", dir, []string{"ro", "nosuid", "nodev"}, data); err != nil {
		return "", err
	}
	s.mounted = append(s.mounted, name)
	return dir, nil
}

func (s *stack) unmount() error {
	var errs []error
	for _, name := range slices.Backward(s.mounted) {
		errs = append(errs, s.at.Unmount(name, false))
	}
	for _, name := range s.made {
		errs = append(errs, os.Remove(path.Join(s.at.Name(), name))) // only the empty directory: it may be mounted still
	}
	s.mounted, s.made = nil, nil
	return errors.Join(errs...)
}

// join writes directories as an overlay's mount option wants them.
func join(dirs []string) string {
	for i, d := range dirs {
		dirs[i] = strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`).Replace(d)
	}
	return strings.Join(dirs, ":")
}
