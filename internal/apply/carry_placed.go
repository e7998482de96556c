package apply

import (
	"path"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// Where versions of carried files are kept that are not the one in use, in the main store.
const (
	AsideDir = decl.StateDir + "/carry/aside" // /STAMP/PATH: versions that lost, until the user removes them
	setDir   = decl.StateDir + "/carry/accounts"
)

func ours(string) sys.Perm { return sys.Mine(0o700) }

func (c *Carrier) file(root, p string) string { return decl.PlacedFile(c.Store, root, p) }
func (c *Carrier) gone(root, p string) string {
	return path.Join(c.Store, decl.PlacedDir, root, "gone", p)
}

// known returns what is known of the path in the root of that identity.
func (c *Carrier) known(root, p string) (placed, error) {
	if c.roots == nil {
		names, err := c.Root.List(path.Join(c.Store, decl.PlacedDir))
		if ignoreMissing(err) != nil {
			return unknown, err
		}
		c.roots = map[string]map[string]placed{}
		for _, n := range names {
			c.roots[n] = map[string]placed{}
		}
	}
	all, some := c.roots[root]
	if !some {
		return unknown, nil
	}
	if is, asked := all[p]; asked {
		return is, nil
	}
	is, err := c.wasPlaced(root, p)
	if err == nil {
		all[p] = is
	}
	return is, err
}

func (c *Carrier) wasPlaced(root, p string) (placed, error) {
	exists := c.Root.Exists
	if c.near != nil {
		exists = c.near.Exists
	}
	if there, err := exists(c.file(root, p)); there || err != nil {
		return placedOne, err
	}
	there, err := exists(c.gone(root, p))
	if there {
		return gone, err
	}
	return unknown, err
}

// note remembers how one file was left in the running root. What was placed must be on the disk before. Files and marks say whether
// there are any from before.
func (c *Carrier) note(near *sys.Near, n noted, files, marks bool) error {
	if c.ID == "" {
		return nil
	}
	at, mark := c.file(c.ID, n.path), c.gone(c.ID, n.path)
	if n.kept == "" {
		if err := c.Root.MkdirAll(path.Dir(mark), ours); err != nil {
			return err
		}
		return discard(c.Root, mark, at)
	}
	if files {
		if there, err := sameThere(c.Root, n.kept, c.Root, at); there && err == nil {
			return nil
		}
	}
	err := above(
		func() error {
			if n.as != "" && n.as != at && near.Link(n.as, at) == nil { // the copy that an earlier boot has made is the same
				return nil
			}
			return near.Put(c.Root, n.kept, at, false)
		},
		func() error { return c.Root.MkdirAll(path.Dir(at), ours) },
	)
	if err == nil && marks {
		err = ignoreMissing(c.Root.Remove(mark))
	}
	return err
}

// discard marks a path as gone, and then forgets the file that was placed there.
func discard(t *sys.Tree, mark, at string) error {
	if err := t.StageFile(mark, nil, sys.Mine(0o600)); err != nil {
		return err
	}
	return ignoreMissing(t.Remove(at))
}

// InMemory stands for the identity of a root in memory: there is one at a time, and its copy on the disk gets another.
const InMemory = "ram"

// WasInMemory stands for that of the session before, for files that only a later part of the boot can carry.
const WasInMemory = "ram-before"

// putBy makes what is remembered of a root in memory that of the session before, and forgets all others. It is done also if nothing was
// placed: else the next boot would take what was not placed for deleted. A power cut loses the session, and with it the need to know.
func (c *Carrier) putBy() error {
	if err := PruneCarried(c.Root, c.Store, InMemory); err != nil {
		return err
	}
	for i := range c.noted {
		c.noted[i].as = ""
	}
	c.roots = nil
	placed := path.Join(c.Store, decl.PlacedDir)
	return ignoreMissing(c.Root.Rename(path.Join(placed, InMemory), path.Join(placed, WasInMemory)))
}

// PruneCarried forgets what was placed in other roots than the one of that identity. What they had and the store has not
// was carried over when it booted.
func PruneCarried(t *sys.Tree, store, root string) error {
	dir, err := t.Sub(path.Join(store, decl.PlacedDir))
	if err != nil {
		return ignoreMissing(err)
	}
	defer dir.Close()
	names, err := dir.List(".")
	if err != nil {
		return err
	}
	for _, n := range names {
		if n != root {
			if err := dir.RemoveTree(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameThere reports whether a copy of a file lies at a path already. Mostly nothing does, and that is quickly seen.
func sameThere(from *sys.Tree, original string, t *sys.Tree, at string) (bool, error) {
	if there, err := t.Exists(at); err != nil || !there {
		return false, err
	}
	diff, err := sys.Compare(from, original, t, at, 1)
	return err == nil && same(diff), err
}

func same(diff []sys.Difference) bool {
	return len(diff) == 0 || diff[0].What == sys.TimeDiffers
}
