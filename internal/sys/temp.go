package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tempPrefix begins the names of objects that are not finished.
// Nothing under such a name is ever taken for data.
const tempPrefix = ".anicca-tmp-"

// IsTemp reports whether a name is that of an unfinished object.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

func tempName() string {
	var b [8]byte
	// crypto/rand would make the initrd's program a tenth larger.
	if n, err := unix.Getrandom(b[:], 0); n < len(b) {
		panic(fmt.Sprint("internal error: no random numbers: ", err))
	}
	return fmt.Sprintf("%s%x", tempPrefix, b)
}

// forget removes something unfinished. It may be gone already.
func (t *Tree) forget(tmp string, flags int) error {
	if err := t.unlink(tmp, flags); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeAll removes an unfinished copy. It refuses any name that is not one.
func (t *Tree) removeAll(tmp string) error {
	if !IsTemp(path.Base(tmp)) {
		return wrap("remove", t.Path(tmp), errors.New("internal error: not an unfinished object"))
	}
	if err := t.RemoveTree(tmp); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Sweep removes what has been left unfinished in the directory p, and was not touched since the moment began.
func (t *Tree) Sweep(p string, began time.Time) error {
	dir, err := t.Sub(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.List(".")
	for _, n := range names {
		if !IsTemp(n) {
			continue
		}
		if s, serr := dir.Stat(n); serr == nil && time.Unix(s.Ctim.Unix()).Before(began) {
			err = errors.Join(err, dir.removeAll(n))
		}
	}
	return err
}
