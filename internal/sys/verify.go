package sys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Difference is one object that a copy does not have as the original has it.
type Difference struct {
	Path string // below the compared object; "." for itself
	What string // such as "content" or "owner"
}

// What a [Difference] says of what the original does not have, or has of another type.
const (
	onlyInCopy = "only in the copy"
	otherType  = "type"
)

// TimeDiffers is what a [Difference] says of a file whose time of change is another.
const TimeDiffers = "time of change"

func (d Difference) String() string { return d.Path + ": " + d.What }

// Lacks reports whether the original has something that the copy has not, or not so. Times are no such thing.
func (d Difference) Lacks() bool { return d.What != TimeDiffers && d.What != onlyInCopy }

// OfAccess reports whether it is the owner, the mode or an attribute that differs, and not what lies there.
func (d Difference) OfAccess() bool {
	return strings.HasPrefix(d.What, "owner") || strings.HasPrefix(d.What, "mode") || d.What == "extended attributes"
}

// Compare reads both trees and returns up to max differences in names, types, content and metadata; those in times come last.
// Times of directories are not compared: reading and mounting in them moves them.
func Compare(a *Tree, ap string, b *Tree, bp string, max int) ([]Difference, error) {
	c := comparer{max: max}
	ad, an, err := a.parent(ap)
	if err != nil {
		return nil, err
	}
	defer ad.Close()
	bd, bn, err := b.parent(bp)
	if err != nil {
		return nil, err
	}
	defer bd.Close()
	err = c.object(ad, an, bd, bn, ".")
	return append(c.found, c.times[:min(len(c.times), max-len(c.found))]...), err
}

type comparer struct {
	found []Difference
	times []Difference // in times alone: they must not keep worse ones from being found
	max   int
}

func (c *comparer) say(p, what string) {
	list := &c.found
	if what == TimeDiffers {
		list = &c.times
	}
	if len(*list) < c.max {
		*list = append(*list, Difference{p, what})
	}
}

func (c *comparer) object(ad *Tree, an string, bd *Tree, bn, at string) error {
	if len(c.found) >= c.max {
		return nil
	}
	ah, err := ad.open(an, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(ah)
	a, err := fstat(ah, ad.Path(an))
	if err != nil || a.Type() == fs.ModeSocket {
		return err
	}
	bh, err := bd.open(bn, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		c.say(at, "missing in the copy")
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(bh)
	b, err := fstat(bh, bd.Path(bn))
	if err != nil {
		return err
	}
	if a.Type() != b.Type() {
		c.say(at, otherType)
		return nil
	}
	what, err := differs(a, ah, ad.Path(an), b, bh, bd.Path(bn))
	if err != nil {
		return err
	}
	for _, w := range what {
		c.say(at, w)
	}
	switch a.Type() {
	case fs.ModeDir:
		return c.dir(ad, an, bd, bn, at, a.MountID)
	case fs.ModeSymlink:
		at1, err1 := ad.Readlink(an)
		bt1, err2 := bd.Readlink(bn)
		if at1 != bt1 {
			c.say(at, "link target")
		}
		return errors.Join(err1, err2)
	case 0:
		if a.Size != b.Size {
			c.say(at, "size")
			return nil
		}
		same, err := sameContent(ad, an, bd, bn, a.Size)
		if err == nil && !same {
			c.say(at, "content")
		}
		if a.Mtim != b.Mtim {
			c.say(at, TimeDiffers)
		}
		return err
	}
	return nil
}

// differs says how the owner, mode and extended attributes of two objects of one type differ.
func differs(a Stat, ah int, an string, b Stat, bh int, bn string) (what []string, err error) {
	if a.Uid != b.Uid || a.Gid != b.Gid {
		what = append(what, fmt.Sprintf("owner: %d:%d in the copy, not %d:%d", b.Uid, b.Gid, a.Uid, a.Gid))
	}
	if a.Perm() != b.Perm() && a.Type() != fs.ModeSymlink {
		what = append(what, fmt.Sprintf("mode: %04o in the copy, not %04o", b.Perm(), a.Perm()))
	}
	ax, err := xattrs(ah, an)
	if err != nil {
		return nil, err
	}
	bx, err := xattrs(bh, bn)
	if err != nil {
		return nil, err
	}
	delete(ax, "security.selinux")
	delete(bx, "security.selinux")
	if !maps.EqualFunc(ax, bx, bytes.Equal) {
		what = append(what, "extended attributes")
	}
	return what, nil
}

func (c *comparer) dir(ad *Tree, an string, bd *Tree, bn, at string, mount uint64) error {
	a, err := ad.Sub(an)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := bd.Sub(bn)
	if err != nil {
		return err
	}
	defer b.Close()
	an1, err := a.List(".")
	if err != nil {
		return err
	}
	bn1, err := b.List(".")
	if err != nil {
		return err
	}
	extra := map[string]bool{}
	for _, n := range bn1 {
		extra[n] = !IsTemp(n)
	}
	for _, n := range an1 {
		delete(extra, n)
		if IsTemp(n) {
			continue
		}
		if other, err := a.isMount(n, mount); err == nil && other {
			continue
		}
		if err := c.object(a, n, b, n, path.Join(at, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, n := range bn1 {
		if extra[n] {
			c.say(path.Join(at, n), onlyInCopy)
		}
	}
	return nil
}

// SameFiles reports whether two regular files are the same in content and metadata, which is sooner seen than how they differ. That
// they are regular files has been seen before; if they are not, or cannot be read, it is false.
func SameFiles(a *Tree, ap string, b *Tree, bp string) bool {
	af, err := a.openQuiet(ap)
	if err != nil {
		return false
	}
	defer unix.Close(af)
	bf, err := b.openQuiet(bp)
	if err != nil {
		return false
	}
	defer unix.Close(bf)
	same, err := equals(af, Stat{}, bf, false, ap, bp)
	return same && err == nil
}

// sameContent compares two files of one size.
func sameContent(ad *Tree, an string, bd *Tree, bn string, size int64) (bool, error) {
	af, err := ad.openQuiet(an)
	if err != nil {
		return false, err
	}
	defer unix.Close(af)
	bf, err := bd.openQuiet(bn)
	if err != nil {
		return false, err
	}
	defer unix.Close(bf)
	return sameBytes(af, bf, size)
}

// sameBytes compares two open files of one size. What is a hole in both is not read: a sparse file can be larger than any disk.
func sameBytes(af, bf int, size int64) (bool, error) {
	room := int(min(size+1, 256<<10)) // one more, to see the end
	x, y := make([]byte, room), make([]byte, room)
	for at := int64(0); ; {
		if size > small {
			at = min(nextData(af, at, size), nextData(bf, at, size))
		}
		n, err1 := readAt(af, x, at, size)
		m, err2 := readAt(bf, y, at, size)
		if err := errors.Join(err1, err2); err != nil {
			return false, err
		}
		if n != m || !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if n < room {
			return true, nil
		}
		at += int64(n)
	}
}

// nextData is where the content of a file goes on after a hole at the given place: at its end, if that reaches to there.
func nextData(fd int, at, size int64) int64 {
	switch data, err := unix.Seek(fd, at, unix.SEEK_DATA); err {
	case nil:
		return data
	case unix.ENXIO:
		return max(at, size)
	default:
		return at // a filesystem without holes
	}
}
