package apply

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// parents makes the missing directories above an entry, or above its kept copy.
// They are as the other side has them, with access lists and labels: as the store has them when a path in the root is made,
// and as the root, and so the base, has them when one in the store is.
// Where that has none either, they are as declared, or as is safe.
func parents(root *sys.Tree, s plan.Step, inStore bool) error {
	dir := path.Dir(s.Path)
	if inStore {
		dir = path.Dir(s.Source)
	}
	return root.MakeAll(dir, func(p string) error {
		where, other := p, path.Join(s.Store, p)
		if inStore {
			where = path.Clean("/" + p[len(s.Store):])
			other = where
		}
		if d, err := root.Stat(other); err == nil && d.IsDir() {
			return root.MkdirLike(p, root, other)
		}
		perm := fresh(where, s.Home)
		if where == path.Dir(s.Path) {
			perm = override(perm, s.Parent)
		}
		return root.Mkdir(p, perm)
	})
}

// above puts something in place, and if a directory is missing for that, makes those above it before: mostly they are there.
func above(put, parents func() error) error {
	err := put()
	if errors.Is(err, fs.ErrNotExist) {
		if err = parents(); err == nil {
			err = put()
		}
	}
	return err
}

// special are directories of every system that have another mode than most.
var special = map[string]uint32{
	"/root": 0o700, "/var/lib/private": 0o700, "/var/cache/private": 0o700, "/var/log/private": 0o700, "/tmp": 0o1777, "/var/tmp": 0o1777,
}

// private are directories of homes that are nobody else's business, with all below them.
var private = []string{"/.ssh/", "/.gnupg/", "/.pki/", "/.password-store/", "/.local/share/keyrings/"}

// fresh is the owner and mode of a directory that has to be made, and of which nobody says anything:
// in a home it is its user's, elsewhere root's. Homes themselves are made for nobody else to look into.
func fresh(p string, home *plan.Home) sys.Perm {
	perm := sys.Perm{Mode: 0o755}
	if mode, ok := special[p]; ok {
		perm.Mode = mode
	}
	if home == nil || !within(p, home.Dir) {
		return perm
	}
	perm.UID, perm.GID = home.UID, home.GID
	if p == home.Dir {
		perm.Mode = 0o700
	}
	for _, name := range private {
		if strings.HasPrefix(p[len(home.Dir):]+"/", name) {
			perm.Mode = 0o700
		}
	}
	return perm
}

func override(perm sys.Perm, by plan.Perm) sys.Perm {
	if by.UID != nil {
		perm.UID = *by.UID
	}
	if by.GID != nil {
		perm.GID = *by.GID
	}
	if by.Mode != nil {
		perm.Mode = uint32(*by.Mode)
	}
	return perm
}

func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, dir+"/")
}
