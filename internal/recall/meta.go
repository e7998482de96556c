package recall

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"anicca/internal/sys"
)

// meta says in which of mode, owner, access lists, attributes and link target two objects at p differ.
func meta(a, b *View, p string, as, bs *sys.Stat) ([]string, error) {
	x, err := a.describe(p, as)
	if err != nil {
		return nil, err
	}
	y, err := b.describe(p, bs)
	if err != nil {
		return nil, err
	}
	var out []string
	say := func(what, was, is string) {
		if was != is {
			out = append(out, fmt.Sprintf("%s: %s -> %s", what, was, is))
		}
	}
	say("type", x.Type, y.Type)
	if x.Type != "link" || y.Type != "link" { // the kernel does not look at the mode of a link
		say("mode", x.Mode, y.Mode)
	}
	say("owner", fmt.Sprintf("%d:%d", x.UID, x.GID), fmt.Sprintf("%d:%d", y.UID, y.GID))
	if x.Type == "link" && y.Type == "link" {
		say("link target", x.Target, y.Target)
	}
	if x.Device != "" && y.Device != "" {
		say("device", x.Device, y.Device)
	}
	was, err := a.xattrs(p)
	if err != nil {
		return nil, err
	}
	is, err := b.xattrs(p)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(was))
	for _, n := range slices.Sorted(maps.Keys(is)) {
		if _, ok := was[n]; !ok {
			names = append(names, n)
		}
	}
	for _, n := range names {
		if w, i := was[n], is[n]; !bytes.Equal(w, i) || (w == nil) != (i == nil) {
			say(attribute(n), value(n, w), value(n, i))
		}
	}
	return out, nil
}

const (
	accessList  = "system.posix_acl_access"
	defaultList = "system.posix_acl_default"
)

func attribute(name string) string {
	switch name {
	case accessList:
		return "access list"
	case defaultList:
		return "default access list"
	case "security.capability":
		return "capabilities"
	}
	return "attribute " + name
}

// value writes an extended attribute for people.
func value(name string, v []byte) string {
	switch {
	case v == nil:
		return "none"
	case name == accessList || name == defaultList:
		return list(v)
	case len(v) > 64:
		return fmt.Sprintf("%d bytes", len(v))
	case strings.ContainsFunc(string(v), func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Sprintf("%x", v)
	}
	return strconv.Quote(string(v))
}

// list writes an access list as getfacl(1) does, with numbers. Its form is that of linux/posix_acl_xattr.h.
func list(v []byte) string {
	le := binary.LittleEndian
	var out []string
	for v = v[min(4, len(v)):]; len(v) >= 8; v = v[8:] {
		who, ok := map[uint16]string{1: "user:", 2: "user:", 4: "group:", 8: "group:", 16: "mask:", 32: "other:"}[le.Uint16(v)]
		if !ok {
			who = "?:"
		}
		if tag := le.Uint16(v); tag == 2 || tag == 8 {
			who += strconv.Itoa(int(le.Uint32(v[4:])))
		}
		perm := []byte("rwx")
		for i, bit := range []uint16{4, 2, 1} {
			if le.Uint16(v[2:])&bit == 0 {
				perm[i] = '-'
			}
		}
		out = append(out, who+":"+string(perm))
	}
	return strings.Join(out, ",")
}
