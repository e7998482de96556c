package sys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

// Covered is a file that something is about to be mounted over.
type Covered struct {
	fd   int
	name string
	kept Stat // the copy that covers it, as it was
}

// Cover opens the file p, of which kept is a copy, before that is mounted over it. Close it.
func (t *Tree) Cover(p, kept string) (*Covered, error) {
	k, err := t.Stat(kept)
	if err != nil {
		return nil, err
	}
	fd, err := t.open(p, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	return &Covered{fd, t.Path(p), k}, err
}

// Close lets go of the covered file.
func (c *Covered) Close() error { return unix.Close(c.fd) }

// Freshen writes to the copy, which covers the file now, what was written to the file after it was copied. A copy that was written to
// meanwhile, or that is another, is left alone. It is written in place, as it is mounted.
func (c *Covered) Freshen(t *Tree, kept string) error {
	out, err := t.open(kept, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(out)
	at := t.Path(kept)
	k, err := fstat(out, at)
	if err != nil {
		return err
	}
	s, err := fstat(c.fd, c.name)
	if err != nil || !s.IsFile() || !k.IsFile() || !k.SameObject(c.kept) || k.Mtim != c.kept.Mtim || k.Size != c.kept.Size {
		return err
	}
	// Whoever owns a directory above can put others there: nothing goes from one owner to another, or into a file of two names.
	if s.Nlink != 1 || k.Nlink != 1 || s.Uid != k.Uid || s.Gid != k.Gid || s.Mode != k.Mode {
		return nil
	}
	if s.Mtim == k.Mtim && s.Size == k.Size { // a copy has the times of its original
		return nil
	}
	err = do("write", at, func() error {
		src, dst := os.NewFile(uintptr(dup(c.fd)), c.name), os.NewFile(uintptr(dup(out)), at)
		defer src.Close()
		defer dst.Close()
		// Holes too: there may be something else in the copy.
		if _, err := io.Copy(io.NewOffsetWriter(dst, 0), io.NewSectionReader(src, 0, s.Size)); err != nil {
			return err
		}
		return unix.Ftruncate(out, s.Size)
	})
	if err != nil {
		return err
	}
	return do("flush", at, func() error { return unix.Fsync(out) })
}
