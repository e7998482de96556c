package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// settle brings an unfinished copy up to date until it equals its original.
// What still differs after some rounds must be files that are being written right now.
func (c *copier) settle(sd *Tree, sn string, dd *Tree, dn string, began time.Time) error {
	var diff []Difference
	for range 5 {
		var err error
		if diff, err = Compare(sd, sn, dd, dn, 50); err != nil || len(diff) == 0 {
			return err
		}
		if err := c.freshen(sd, sn, dd, dn, dn); err != nil {
			return err
		}
	}
	for _, d := range diff {
		s, err := sd.Stat(path.Join(sn, d.Path))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if time.Unix(s.Ctim.Unix()).Before(began.Add(-time.Second)) {
			return fmt.Errorf("copy %s: the copy differs from the original: %s", sd.Path(sn), d)
		}
	}
	return nil
}

// Freshen copies to the directory dst what was added to the directory src, or changed there, after dst was copied from it.
// An object of dst that is newer than its original is left alone, and nothing is removed.
// It carries over what programs wrote into a directory between its copy and its being covered by a mount.
func Freshen(src, dst *Tree) error {
	c := copier{links: map[[2]uint64]string{}, dst: dst}
	return c.freshen(src, ".", dst, ".", ".")
}

func (c *copier) freshen(sd *Tree, name string, dd *Tree, dname, at string) error {
	s, err := sd.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := dd.Stat(dname)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.object(sd, name, dd, dname, at)
	case err != nil:
		return err
	case s.Type() == fs.ModeDir && d.Type() == fs.ModeDir:
		return c.freshenDir(sd, name, dd, dname, at, s.MountID)
	case s.Type() == fs.ModeDir || d.Type() == fs.ModeDir:
		return wrap("copy", dd.Path(dname), errors.New("a directory took the place of a file, or a file that of a directory"))
	}
	newer := s.Mtim.Nano() > d.Mtim.Nano() || s.Ctim.Nano() > d.Ctim.Nano() && s.Mtim == d.Mtim
	if !newer {
		return nil
	}
	tmp := tempName()
	delete(c.links, [2]uint64{s.Dev, s.Ino})
	if err := c.object(sd, name, dd, tmp, path.Join(path.Dir(at), tmp)); err != nil {
		return errors.Join(err, dd.forget(tmp, 0))
	}
	c.links[[2]uint64{s.Dev, s.Ino}] = at
	return do("rename", dd.Path(dname), func() error { return unix.Renameat(dd.fd, tmp, dd.fd, dname) })
}

func (c *copier) freshenDir(sd *Tree, name string, dd *Tree, dname, at string, mount uint64) error {
	src, err := sd.Sub(name)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := dd.Sub(dname)
	if err != nil {
		return err
	}
	defer dst.Close()
	names, err := src.List(".")
	if err != nil {
		return err
	}
	for _, n := range names {
		if other, err := src.isMount(n, mount); IsTemp(n) || err == nil && other {
			continue
		}
		if err := c.freshen(src, n, dst, n, path.Join(at, n)); err != nil {
			return err
		}
	}
	return nil
}
