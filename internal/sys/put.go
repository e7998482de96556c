package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// putFile is [Put] for a regular file that nobody changes meanwhile: copy and original stay open until they have been compared.
// It is not done, and nothing has changed, where the general way is needed.
func putFile(from *Tree, src string, to *Tree, dst string, wait bool) (done bool, err error) {
	in, err := from.open(src, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
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
	quiet(in)
	dir, name, err := to.parent(dst)
	if err != nil {
		return false, err
	}
	defer dir.Close()
	tmp, at := tempName(), to.Path(dst)
	out, err := dir.create(tmp)
	if err != nil {
		return false, err
	}
	defer unix.Close(out)
	quiet(out) // it is read back
	same := false
	if err = fill(in, s, out, at); err == nil {
		same, err = equals(in, out, from.Path(src), at)
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

// equals reports whether two open files are the same, with all metadata.
func equals(a, b int, an, bn string) (bool, error) {
	x, err := fstat(a, an)
	if err != nil {
		return false, err
	}
	y, err := fstat(b, bn)
	if err != nil {
		return false, err
	}
	if what, err := differs(x, a, an, y, b, bn); len(what) > 0 || err != nil || x.Size != y.Size || x.Mtim != y.Mtim {
		return false, err
	}
	return sameBytes(a, b, x.Size)
}
