package trial

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"anicca/internal/sys"
)

// placePrefix begins the names of places.
const placePrefix = "anicca-try-"

// lockName is a file in a place that all processes of the trial have locked, but for those of the command. The kernel lets go of it
// with the last of them.
const lockName = "lock"

// lock makes that file. It is locked before it gets its name: no place seems to be nobody's. Where the filesystem has no
// locks, it is nil, and the place stays if it is left.
func lock(place string) (*os.File, error) {
	dir, err := sys.OpenTree(place)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	temp := sys.TempName()
	f, err := dir.LockFile(temp)
	if err != nil {
		if there, _ := dir.Exists(temp); there {
			return nil, dir.Remove(temp)
		}
		return nil, err
	}
	if err := dir.Rename(temp, lockName); err != nil {
		f.Close()
		return nil, errors.Join(err, dir.Remove(temp))
	}
	return f, nil
}

// leave removes a place that is empty but for its lock. Another one is left to the next trial.
func leave(place string) {
	if in, err := os.ReadDir(place); err == nil && (len(in) == 0 || len(in) == 1 && in[0].Name() == lockName) {
		_ = os.Remove(path.Join(place, lockName))
		_ = os.Remove(place)
	}
}

// sweep removes what trials of the same user, beside this one, have left that were killed.
func (c *copier) sweep() error {
	up, err := sys.OpenTree(path.Dir(c.Place))
	if err != nil {
		return err
	}
	defer up.Close()
	names, err := up.List(".")
	for _, n := range names {
		if strings.HasPrefix(n, placePrefix) && n != path.Base(c.Place) {
			err = errors.Join(err, sweepPlace(up, n))
		}
	}
	return err
}

// sweepPlace removes one. What others could have put there under such a name is none: of that, no more than what a trial makes is removed.
func sweepPlace(up *sys.Tree, name string) error {
	mine := func(s sys.Stat, err error) bool {
		return err == nil && int(s.Uid) == os.Getuid() && s.Perm()&0o077 == 0
	}
	if s, err := up.Stat(name); !mine(s, err) || !s.IsDir() {
		return nil
	}
	place, err := up.Sub(name)
	if err != nil {
		return nil
	}
	defer place.Close()
	if s, err := place.Stat("."); !mine(s, err) {
		return nil
	}
	if s, err := place.Stat(lockName); !mine(s, err) || !s.IsFile() || s.Size > 0 {
		return nil
	}
	free, err := place.Lock(lockName)
	if err != nil { // it is in use
		return nil
	}
	defer free()
	if err := empty(place); err != nil {
		return err
	}
	return errors.Join(gone(place.Remove(lockName)), gone(up.Remove(name)))
}

// empty removes what was written in a place, and the directories that copies were mounted at, in a place that nothing is mounted in any more.
func empty(place *sys.Tree) error {
	layers, err := place.Sub(layersDir)
	if err == nil {
		err = layers.Unfix()
		layers.Close()
		if err == nil {
			err = place.RemoveTree(layersDir)
		}
	}
	if gone(err) != nil {
		return err
	}
	lows, err := place.List(lowDir)
	err = gone(err)
	for _, l := range lows {
		err = errors.Join(err, gone(place.Remove(path.Join(lowDir, l))))
	}
	for _, d := range []string{rootDir, lowDir, path.Dir(rootDir)} {
		err = errors.Join(err, gone(place.Remove(d)))
	}
	return err
}

// gone lets pass that something is not there any more.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
