package sys

import (
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"
)

// Mkdir makes the directory p with owner and mode; it is an error if anything lies there.
// The directory appears with both already right.
func (t *Tree) Mkdir(p string, perm Perm) error {
	return t.newDir(p, look{perm: perm, bare: true, give: func(made *Tree) error { return give(made.fd, made.name, perm) }})
}

// MkdirLike makes the directory p with the owner, mode, times and extended attributes, and so the access lists and the label, of
// a directory in the same or another tree.
func (t *Tree) MkdirLike(p string, from *Tree, model string) error {
	m, err := from.Sub(model)
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := fstat(m.fd, m.Name())
	if err != nil {
		return err
	}
	return t.newDir(p, look{
		perm: Perm{UID: int(s.Uid), GID: int(s.Gid), Mode: s.Perm()}, bare: m.bare(), times: []unix.Timespec{s.Atim, s.Mtim},
		give: func(made *Tree) error { return copyMeta(m.fd, s, made.fd, made.name) },
	})
}

// look is what a new directory is to look like.
type look struct {
	perm  Perm
	bare  bool            // it has no extended attributes
	times []unix.Timespec // nil for now
	give  func(made *Tree) error
}

func (t *Tree) newDir(p string, like look) error {
	dir, name, err := t.parent(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	if me := me(); like.bare && like.perm.usual(me) && dir.givesNothing(me) {
		return dir.plainDir(name, like)
	}
	tmp := tempName()
	made, err := dir.mkdir(tmp)
	if err == nil {
		err = like.give(made)
		made.Close()
	}
	if err == nil {
		err = do("rename", t.Path(p), func() error { return renameNew(dir.fd, tmp, dir.fd, name) })
	}
	if err != nil {
		return errors.Join(err, dir.forget(tmp, unix.AT_REMOVEDIR))
	}
	return nil
}

// plainDir makes a directory whose owner and mode come by themselves, so that nothing has to be hidden until it is whole.
func (t *Tree) plainDir(name string, like look) error {
	if err := do("mkdir", t.Path(name), func() error { return unix.Mkdirat(t.fd, name, like.perm.Mode) }); err != nil {
		return err
	}
	if s, err := t.statName(name); err == nil && s.IsDir() && as(s, like.perm) {
		if like.times == nil {
			return nil
		}
		return do("utimes", t.Path(name), func() error { return unix.UtimesNanoAt(t.fd, name, like.times, unix.AT_SYMLINK_NOFOLLOW) })
	}
	made, err := t.Sub(name)
	if err != nil {
		return err
	}
	defer made.Close()
	return like.give(made)
}

// givesNothing reports whether what we make in a directory is ours alone: nobody else can put anything into it, and it gives
// neither its group nor attributes, such as an access list, to what is made in it.
func (t *Tree) givesNothing(me Perm) bool {
	s, err := fstat(t.fd, t.Name())
	return err == nil && plain(s, me) && t.bare()
}

func plain(s Stat, me Perm) bool { return int(s.Uid) == me.UID && s.Perm()&(unix.S_ISGID|0o022) == 0 }

// bare reports whether an object has no extended attributes.
func (t *Tree) bare() bool {
	n, err := unix.Flistxattr(t.fd, nil)
	return err == nil && n == 0 || errors.Is(err, unix.ENOTSUP)
}

// mkdir makes the directory name, for nobody but us yet, and opens it.
func (t *Tree) mkdir(name string) (*Tree, error) {
	if err := do("mkdir", t.Path(name), func() error { return unix.Mkdirat(t.fd, name, 0o700) }); err != nil {
		return nil, err
	}
	made, err := t.Sub(name)
	if err != nil {
		return nil, err
	}
	if t.isOurs() {
		return made, nil
	}
	if err := ours(made.fd, made.name); err != nil {
		made.Close()
		return nil, err
	}
	return made, nil
}

// hold opens what this program has just made at name, which is not a directory.
func (t *Tree) hold(name string) (int, error) {
	fd, err := t.open(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, err
	}
	if err := ours(fd, t.Path(name)); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// isOurs reports whether nobody else can put anything into the directory. An access list that lets them shows in its mode.
func (t *Tree) isOurs() bool {
	s, err := fstat(t.fd, t.Name())
	return err == nil && int(s.Uid) == unix.Geteuid() && s.Perm()&0o022 == 0
}

// ours makes sure that an object which was opened by its name is the one that was made under it. Whoever owns the directory
// can have put another there meanwhile, such as a second name of a file elsewhere, to be given what is not theirs.
// What belongs to us, has one name and is empty is either ours or worth nothing.
func ours(fd int, name string) error {
	s, err := fstat(fd, name)
	if err != nil {
		return err
	}
	if s.IsDir() {
		if empty, err := (&Tree{fd: fd, name: name}).emptyDir("."); err != nil || empty && int(s.Uid) == unix.Geteuid() {
			return err
		}
	} else if alone(fd, s) && int(s.Uid) == unix.Geteuid() {
		return nil
	}
	return wrap("make", name, errors.New("somebody else has put something there meanwhile"))
}

// MkdirAll makes the missing directories of p, asking perm for the owner and mode of each.
func (t *Tree) MkdirAll(p string, perm func(p string) Perm) error {
	return t.MakeAll(p, func(p string) error { return t.Mkdir(p, perm(p)) })
}

// MakeAll lets mkdir make each missing directory of p, the outermost first.
func (t *Tree) MakeAll(p string, mkdir func(p string) error) error {
	p = path.Clean("/" + p)
	if p == "/" {
		return nil
	}
	s, err := t.Stat(p)
	switch {
	case err == nil && s.Type() == fs.ModeDir:
		return nil
	case err == nil:
		return wrap("mkdir", t.Path(p), unix.ENOTDIR)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := t.MakeAll(path.Dir(p), mkdir); err != nil {
		return err
	}
	return mkdir(p)
}
