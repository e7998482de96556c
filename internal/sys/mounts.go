package sys

import (
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/moby/sys/mountinfo"
)

// Mount is a line of the mount table.
type Mount = mountinfo.Info

// MountOf returns the mount that what can be seen at p lies on; where nothing is, that of the nearest directory above it.
func (t *Tree) MountOf(p string) (*Mount, error) {
	s, err := t.Stat(p)
	for errors.Is(err, fs.ErrNotExist) && path.Dir(p) != p {
		p = path.Dir(p)
		s, err = t.Stat(p)
	}
	if err != nil {
		return nil, err
	}
	return mountOf(s, t.Path(p))
}

// MountsAt returns how many mounts lie on each other at p.
func (t *Tree) MountsAt(p string) (int, error) {
	all, err := mounts(func(i *Mount) (skip, stop bool) { return i.Mountpoint != t.Path(p), false })
	return len(all), err
}

// Newer returns a file at or below p, on one mount, that was changed at or after a time, as a path below it; "" if there is none.
// Directories do not count: making one writes nothing.
func (t *Tree) Newer(p string, since time.Time) (string, error) {
	s, err := t.Stat(p)
	if err != nil {
		return "", err
	}
	return t.newer(p, s.MountID, since)
}

func (t *Tree) newer(p string, mount uint64, since time.Time) (string, error) {
	s, err := t.Stat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && s.MountID != mount:
		return "", nil
	case err != nil:
		return "", err
	case !s.IsDir():
		if time.Unix(s.Ctim.Unix()).Before(since) {
			return "", nil
		}
		return ".", nil
	}
	dir, err := t.Sub(p)
	if err != nil {
		return "", err
	}
	defer dir.Close()
	names, err := dir.List(".")
	if err != nil {
		return "", err
	}
	for _, n := range names {
		if found, err := dir.newer(n, mount, since); found != "" || err != nil {
			return path.Join(n, found), err
		}
	}
	return "", nil
}
