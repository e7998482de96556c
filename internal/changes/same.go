package changes

import (
	"io/fs"
	"slices"
	"strings"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// ofStat is what differs between two objects of one type by what the kernel says of them.
func ofStat(a, b sys.Stat) review.Differs {
	var d review.Differs
	if a.Perm() != b.Perm() && !a.IsLink() {
		d |= review.Mode
	}
	if a.Uid != b.Uid || a.Gid != b.Gid {
		d |= review.Owner
	}
	return d
}

// ofXattrs is what differs between extended attributes.
func ofXattrs[V []byte | string](a, b map[string]V) review.Differs {
	var d review.Differs
	one := func(a, b map[string]V) {
		for name, v := range a {
			if w, ok := b[name]; (!ok || string(v) != string(w)) && !ours(name) {
				d |= attribute(name)
			}
		}
	}
	one(a, b)
	one(b, a)
	return d
}

// ignored attributes say nothing of the object itself: the policy gives them, the kernel signs with them, or an overlay keeps its marks in them.
var ignored = []string{"security.selinux", "security.evm", "trusted.SGI_ACL_", "trusted.overlay.", "user.overlay."}

func ours(name string) bool {
	return slices.ContainsFunc(ignored, func(p string) bool { return strings.HasPrefix(name, p) })
}

func attribute(name string) review.Differs {
	if strings.HasPrefix(name, "system.posix_acl_") {
		return review.ACL
	}
	return review.Xattr
}

// sameFile reports whether two objects of one type hold the same.
func sameFile(a, b node) (bool, error) {
	switch a.Type() {
	case fs.ModeSymlink:
		return sameLink(a, b)
	case 0:
		switch {
		case a.Size != b.Size:
			return false, nil
		case a.Size == 0 || a.Mtim == b.Mtim && a.Mtim.Nsec != 0:
			return true, nil
		}
		return sys.SameContent(a.tree, a.real, b.tree, b.real)
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		return a.Rdev == b.Rdev, nil
	}
	return true, nil
}

func sameLink(a, b node) (bool, error) {
	x, err := a.tree.Readlink(a.real)
	if err != nil {
		return false, err
	}
	y, err := b.tree.Readlink(b.real)
	return x == y, err
}

func describe(at string, what review.What, s sys.Stat) review.Change {
	return review.Change{Path: at, What: what, Kind: kind(s), Modified: seconds(s), UID: s.Uid, GID: s.Gid, Stamp: stamp(s)}
}

// stamp is another number when an object is another. What comes and goes in a directory is no change of that.
func stamp(s sys.Stat) int64 {
	if s.IsDir() {
		return int64(s.Mode)
	}
	return s.Ctim.Nano()
}

func seconds(s sys.Stat) int64 {
	sec, _ := s.Mtim.Unix()
	return sec
}

func kind(s sys.Stat) review.Kind {
	switch s.Type() {
	case fs.ModeDir:
		return review.Directory
	case fs.ModeSymlink:
		return review.Link
	case 0:
		return review.File
	}
	return review.Special
}
