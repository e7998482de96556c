package changes

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"anicca/internal/sys"
)

// volume is a subvolume, by path and by inode number.
type volume struct {
	plain
	device uint64
	info   sys.Subvolume
	small  *sys.Search // for a few items at a time

	listed []sys.Item // the last directory that was listed
	bytes  []byte     // of it
}

func (v *volume) look(t *sys.Tree) (err error) {
	if v.info, err = t.Subvolume("."); err != nil {
		return err
	}
	if v.plain, err = viewOf(t); err != nil {
		return err
	}
	v.small = t.Search(64 << 10)
	v.device, err = t.Device()
	return err
}

// object is an inode with what belongs to it.
type object struct {
	sys.Stat
	names  []sys.Name
	xattrs map[string]string
}

func key(inode uint64, kind uint8) sys.Key { return sys.Key{Object: inode, Type: kind} }

func last(inode uint64, kind uint8) sys.Key {
	return sys.Key{Object: inode, Type: kind, Offset: ^uint64(0)}
}

// object looks an inode up; it is nil if there is none, or none with a name.
func (v *volume) object(inode uint64) (*object, error) {
	var o *object
	for i := range v.small.Items(key(inode, 0), last(inode, sys.XattrItem), 0) {
		if i.Type == sys.InodeItem {
			if n, ok := sys.ParseInode(i.Data); ok {
				o = &object{Stat: n.Stat()}
				o.Ino = inode
			}
		}
		if o == nil {
			break
		}
		switch i.Type {
		case sys.InodeRef, sys.InodeExtRef:
			o.names = append(o.names, i.Names()...)
		case sys.XattrItem:
			i.Xattrs(func(name string, value []byte, _ uint64) {
				if o.xattrs == nil {
					o.xattrs = map[string]string{}
				}
				o.xattrs[name] = string(value)
			})
		}
	}
	if o != nil && len(o.names) == 0 && inode != sys.TopInode { // removed, and still open somewhere
		o = nil
	}
	return o, v.small.Err()
}

// node is the object as one that lies at a path.
func (o *object) node(v volume, at string) node {
	n := node{Entry: sys.Entry{Name: path.Base(at), Stat: o.Stat}, tree: v.Tree, real: at}
	n.Dev = v.device
	return n
}

// links lists the entries of a directory, in the order of their indexes.
func (v *volume) links(inode uint64) ([]sys.Link, error) {
	all, err := v.entries(inode)
	return parse(all), err
}

// entries lists the entries of a directory as they lie on the disk, until it is asked again: most are the same in both
// volumes, and are compared without more ado.
func (v *volume) entries(inode uint64) ([]sys.Item, error) {
	v.listed, v.bytes = v.listed[:0], v.bytes[:0]
	for i := range v.small.Items(key(inode, sys.DirIndex), last(inode, sys.DirIndex), 0) {
		v.bytes = append(v.bytes, i.Data...)
		v.listed = append(v.listed, i)
	}
	at := 0
	for i := range v.listed {
		n := len(v.listed[i].Data)
		v.listed[i].Data = v.bytes[at : at+n]
		at += n
	}
	return v.listed, v.small.Err()
}

func parse(all []sys.Item) []sys.Link {
	var out []sys.Link
	for _, i := range all {
		if l, ok := i.Link(); ok {
			out = append(out, l)
		}
	}
	return out
}

// unlike leaves what only one of two lists of entries has. Both are sorted by index.
func unlike(a, b []sys.Item) (x, y []sys.Link) {
	var l, r []sys.Item
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Offset < b[0].Offset:
			l, a = append(l, a[0]), a[1:]
		case a[0].Offset > b[0].Offset:
			r, b = append(r, b[0]), b[1:]
		default:
			if !bytes.Equal(a[0].Data, b[0].Data) {
				l, r = append(l, a[0]), append(r, b[0])
			}
			a, b = a[1:], b[1:]
		}
	}
	return parse(append(l, a...)), parse(append(r, b...))
}

// extents is where the content of a file lies, as bytes that are the same for the same place.
func (v *volume) extents(inode uint64) ([]byte, error) {
	var out bytes.Buffer
	for i := range v.small.Items(key(inode, sys.ExtentData), last(inode, sys.ExtentData), 0) {
		out.Write(i.Extent())
	}
	return out.Bytes(), v.small.Err()
}

// sameFile reports whether two objects of one type hold the same. Content that lies in one place on the disk for both is not read.
func (b *btrfs) sameFile(was, now node) (bool, error) {
	if !was.IsFile() {
		return sameFile(was, now)
	}
	if was.Size != now.Size || was.Size == 0 {
		return was.Size == now.Size, nil
	}
	if was.Dev == b.was.device && now.Dev == b.now.device {
		x, err := b.was.extents(was.Ino)
		if err != nil {
			return false, err
		}
		y, err := b.now.extents(now.Ino)
		if err != nil || bytes.Equal(x, y) {
			return err == nil, err
		}
	}
	return sys.SameContent(was.tree, was.real, now.tree, now.real)
}

// place finds where a directory of the root lies, and whether the base has it in the same place.
func (b *btrfs) place(inode uint64) (place, error) {
	if pl, ok := b.places[inode]; ok {
		return pl, nil
	}
	b.places[inode] = place{} // it may be moved while we look: then its names lead in a circle
	now, err := b.now.object(inode)
	if err != nil || now == nil || len(now.names) != 1 {
		return place{}, err
	}
	n := now.names[0]
	up, err := b.place(n.Dir)
	if err != nil {
		return place{}, err
	}
	pl := place{path: path.Join(up.path, n.Name), same: up.same}
	if pl.same && b.changed[inode] {
		was, err := b.was.object(inode)
		if err != nil {
			return place{}, err
		}
		pl.same = was != nil && was.IsDir() && slices.Contains(was.names, n)
	}
	pl.same = pl.same && strings.HasPrefix(pl.path, "/") && !b.passes(pl.path)
	b.places[inode] = pl
	return pl, nil
}
