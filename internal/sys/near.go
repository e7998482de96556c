package sys

import (
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"
)

// Near is a tree that keeps the directories open which were asked for last: entries come sorted, and mostly lie beside each other.
// A kept directory stays the same object whatever others do to its name, so what is put into it has to be looked at again by its
// whole path, as [Near.BindNew] does. It is for one goroutine.
type Near struct {
	t    *Tree
	me   Perm    // the owner of what is made
	kept [3]near // the last ones, the very last first: of the root, of the store, and of what is remembered
	made map[string]Made
	none map[string]error // of directories that were missing when they were looked for; nil to look again, see [Near.Once]
}

type near struct {
	at    string
	dir   *Tree
	plain bool // nobody else can put anything into it, and what is made there gets the owner of whoever makes it
}

// Near begins with nothing kept. Close it when done; the tree stays open.
func (t *Tree) Near() *Near {
	return &Near{t: t, made: map[string]Made{}, me: me()}
}

// Once lets a directory that is missing be looked for once only: for decisions that are made at one time. What is put in place
// afterwards has to be looked at again.
func (n *Near) Once() *Near {
	n.none = map[string]error{}
	return n
}

// Made returns what was mounted, by mount point: below the tree, and as paths of it.
func (n *Near) Made() map[string]Made { return n.made }

// Tree is the tree itself, for all that has to be looked up anew.
func (n *Near) Tree() *Tree { return n.t }

// Close lets go of the directories.
func (n *Near) Close() {
	for i := range n.kept {
		n.drop(i)
	}
}

func (n *Near) drop(i int) {
	if n.kept[i].dir != nil {
		n.kept[i].dir.Close()
	}
	n.kept[i] = near{}
}

// parent returns the directory that p lies in, and p's last component. Whoever calls does not close it.
func (n *Near) parent(p string) (near, string, error) {
	at, name := last(p)
	for i := range n.kept {
		if n.kept[i].dir != nil && n.kept[i].at == at {
			if i > 0 {
				found := n.kept[i]
				copy(n.kept[1:], n.kept[:i])
				n.kept[0] = found
			}
			return n.kept[0], name, nil
		}
	}
	if err := n.none[at]; err != nil {
		return near{}, "", err
	}
	dir, err := n.t.Sub(at)
	if n.none != nil && errors.Is(err, fs.ErrNotExist) {
		n.none[at] = err
	}
	if err != nil {
		return near{}, "", err
	}
	s, err := fstat(dir.fd, dir.Name())
	if err != nil {
		dir.Close()
		return near{}, "", err
	}
	n.drop(len(n.kept) - 1)
	copy(n.kept[1:], n.kept[:])
	n.kept[0] = near{at: at, dir: dir, plain: plain(s, n.me)}
	return n.kept[0], name, nil
}

// Stat is [Tree.Stat].
func (n *Near) Stat(p string) (s Stat, err error) {
	if inside(p) == "." {
		return n.t.Stat(p)
	}
	in, name, err := n.parent(p)
	if err != nil {
		return s, err
	}
	if s, err = in.dir.statName(name); err == unix.ENOENT {
		err = wrap("stat", n.t.Path(p), err)
	}
	return s, err
}

// Exists is [Tree.Exists].
func (n *Near) Exists(p string) (bool, error) {
	_, err := n.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Bind is [Bind] within the tree.
func (n *Near) Bind(src, dst string, options []string) error {
	defer n.covered(dst)
	return Bind(n.t, src, n.t, dst, options)
}

// BindNew is [Bind] within the tree, to a path where nothing lies: it makes an empty object of the kept copy's type, owner and mode
// there, after what lies above it, if that is missing. The path may be what others have changed meanwhile; it shows the kept copy,
// or nothing is mounted.
func (n *Near) BindNew(src, dst string, options []string, above func() error) error {
	kept, err := n.Stat(src)
	if err != nil {
		return err
	}
	if kept.IsLink() {
		return wrap("bind", n.t.Path(dst), errNotOneType)
	}
	to, err := n.point(dst, kept)
	if errors.Is(err, fs.ErrNotExist) { // seldom
		n.covered(path.Dir(dst)) // it may have been replaced
		if err = above(); err == nil {
			to, err = n.point(dst, kept)
		}
	}
	if err != nil {
		return err
	}
	defer to.close()
	in, name, err := n.parent(src)
	if err != nil {
		return err
	}
	m, err := clone(in.dir.fd, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, kept, n.t.Path(dst))
	if err != nil {
		return err
	}
	defer unix.Close(m.fd)
	defer n.covered(dst)
	if err := m.attach(to, n.t, dst, options); err != nil {
		n.covered(path.Dir(dst))
		return err
	}
	if kept.MountID != 0 {
		n.made[path.Clean("/"+dst)] = Made{path.Clean("/" + src), kept.MountID}
	}
	return nil
}

// covered lets go of directories that can be reached no more, or may be others by now: the one at p and those below.
func (n *Near) covered(p string) {
	p = path.Clean("/" + p)
	for i := range n.kept {
		if at := n.kept[i].at; at == p || len(at) > len(p) && at[:len(p)] == p && at[len(p)] == '/' {
			n.drop(i)
		}
	}
}

// point makes the empty object. It is named by its directory where nobody else can put anything into that, else it is open.
func (n *Near) point(p string, kept Stat) (to place, err error) {
	in, name, err := n.parent(p)
	if err != nil {
		return to, err
	}
	perm, at := Perm{UID: int(kept.Uid), GID: int(kept.Gid), Mode: kept.Perm()}, n.t.Path(p)
	usual := in.plain && perm.usual(n.me)
	to = place{fd: -1}
	if !usual { // it is made under another name: not in vain
		switch there, err := n.Exists(p); {
		case err != nil:
			return to, err
		case there:
			return to, wrap("make", at, unix.EEXIST)
		}
	}
	switch {
	case !usual && kept.IsDir():
		err = in.dir.Mkdir(name, perm)
	case !usual:
		err = in.dir.CreateFile(name, perm)
	case kept.IsDir(): // it appears with its owner and mode, or a stricter one
		err = do("mkdir", at, func() error { return unix.Mkdirat(in.dir.fd, name, perm.Mode) })
	default:
		err = do("create", at, func() (err error) {
			to.fd, err = in.dir.open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, perm.Mode)
			return err
		})
	}
	if err != nil {
		return to, err
	}
	if usual && kept.IsDir() {
		if to.covered, err = n.Stat(p); err == nil && to.covered.IsDir() && as(to.covered, perm) {
			to.dir, to.name = in.dir.fd, name
			return to, nil
		}
	}
	if to.fd < 0 && err == nil {
		to.fd, err = in.dir.open(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	}
	if err == nil {
		to.covered, err = fstat(to.fd, at)
	}
	if err == nil && usual && !as(to.covered, perm) { // an access list, or an unusual umask
		err = give(to.fd, at, perm)
	}
	if err != nil {
		to.close()
	}
	return to, err
}
