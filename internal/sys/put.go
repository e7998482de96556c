package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// putFile is [Put] for a regular file that nobody changes meanwhile: copy and original stay open until they have been compared.
// It is not done, and nothing has changed, where the general way is needed.
func putFile(from *Tree, src string, to *Tree, dst string, wait bool) (done bool, err error) {
	dir, name, err := to.parent(dst)
	if err != nil {
		return false, err
	}
	defer dir.Close()
	return putIn(from, src, dir, name, wait)
}

// Put is [Put], into a directory that nobody else can move or change: it is kept open.
func (n *Near) Put(from *Tree, src, dst string, wait bool) error {
	in, name, err := n.parent(dst)
	if err != nil {
		return err
	}
	if done, err := putIn(from, src, in.dir, name, wait); done || err != nil {
		return err
	}
	return Put(from, src, n.t, dst, wait)
}

// Link is [Tree.Link], from one such directory to another.
func (n *Near) Link(from, to string) error {
	in, name, err := n.parent(from)
	if err != nil {
		return err
	}
	out, as, err := n.parent(to) // the other one is kept for now
	if err != nil {
		return err
	}
	return do("link", n.t.Path(to), func() error { return unix.Linkat(in.dir.fd, name, out.dir.fd, as, 0) })
}

func putIn(from *Tree, src string, dir *Tree, name string, wait bool) (done bool, err error) {
	in, err := from.openQuiet(src)
	if IsLoop(err) || errors.Is(err, unix.ENXIO) { // a link, or a socket
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(in)
	s, err := fstat(in, from.Path(src))
	if err != nil || !s.IsFile() {
		return false, err
	}
	tmp, at := tempName(), dir.Path(name)
	// Our own file mostly is made as it has to be; else it does not pass as equal. Whoever the directory gives it to, by its group or
	// an access list, may do no more with it than the file's group: it must be one that everybody may do as much with.
	perm, mode := Perm{UID: int(s.Uid), GID: int(s.Gid), Mode: s.Perm()}, uint32(0o600)
	usual := perm.usual(me()) && perm.Mode>>3&7&^perm.Mode == 0
	if usual {
		mode = perm.Mode
	}
	out, err := dir.create(tmp, mode)
	if err != nil {
		return false, err
	}
	defer unix.Close(out)
	bare, same := false, false
	if err = copyContent(in, s, out, at); err == nil && !usual {
		err = copyAccess(s, out, at)
	}
	if err == nil {
		bare, err = copyRest(in, s, out, at)
	}
	if err == nil {
		same, err = equals(in, s, out, bare, from.Path(src), at)
	}
	if err == nil && same && wait {
		err = do("flush", at, func() error { return unix.Fsync(out) })
	}
	if err == nil && same {
		err = do("rename", at, func() error { return unix.Renameat(dir.fd, tmp, dir.fd, name) })
	}
	if err != nil || !same {
		return false, errors.Join(err, dir.forget(tmp, 0))
	}
	return true, nil
}

// equals reports whether two open regular files are the same, with all metadata. Was is what the first was when its attributes were read,
// and bare says that neither had any.
func equals(a int, was Stat, b int, bare bool, an, bn string) (bool, error) {
	x, err := fstat(a, an)
	if err != nil {
		return false, err
	}
	y, err := fstat(b, bn)
	if err != nil {
		return false, err
	}
	if !x.IsFile() || !y.IsFile() || x.Size != y.Size || x.Mtim != y.Mtim || x.Uid != y.Uid || x.Gid != y.Gid || x.Perm() != y.Perm() {
		return false, nil
	}
	if !bare || x.Ctim != was.Ctim {
		if what, err := differs(x, a, an, y, b, bn); len(what) > 0 || err != nil {
			return false, err
		}
	}
	return sameBytes(a, b, x.Size)
}
