package root

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// datasets are roots as ZFS filesystems of one pool: a fresh one is a clone of a read-only base. They are told apart by their
// guids. A path from the top level is the name of a dataset without its pool.
// Every command waits until the pool has written down what it did.
type datasets struct {
	pool string
}

// baseSnapshot is the snapshot of a base that roots are clones of. It is made last: a base without it is not finished.
const baseSnapshot = "anicca-base"

// openPool finds the pool that anicca's dataset in the top level belongs to.
func openPool(top *sys.Tree) (Backend, error) {
	out, err := ZFS.Run("zfs", "list", "-Hp", "-o", "name", top.Path(anicca))
	if err != nil {
		return nil, err
	}
	pool, ok := strings.CutSuffix(strings.TrimSpace(out), "/"+anicca)
	if !ok || strings.Contains(pool, "/") {
		return nil, fmt.Errorf("at %s is %q, not the dataset %s of a pool", top.Path(anicca), strings.TrimSpace(out), anicca)
	}
	return &datasets{pool}, nil
}

// at is the dataset of a path from the top level.
func (v *datasets) at(p string) string { return path.Join(v.pool, p) }

func (v *datasets) Name() decl.Backend { return decl.ZFS }

// Fresh clones. The new root gets what was set on the one whose place it takes; what that inherits, the new one will inherit there.
func (v *datasets) Fresh(from, p, place string) error {
	own, err := replaceable(v.at(place))
	if err == nil {
		err = oneKey(v.at(place), path.Dir(v.at(place)), v.at(from), v.at(workDir))
	}
	if err != nil {
		return err
	}
	s := v.at(from) + "@" + baseSnapshot
	if !strings.HasPrefix(from, baseDir+"/") {
		if s, err = snapshot(v.at(from), "anicca-"+path.Base(p)); err != nil {
			return err
		}
	}
	args := []string{"clone", "-o", "canmount=noauto"}
	for _, o := range own {
		args = append(args, "-o", o)
	}
	_, err = ZFS.Run("zfs", append(args, s, v.at(p))...)
	return err
}

// Freeze clones a snapshot of the root. The root keeps that snapshot, and the snapshots that others have made of it:
// nothing of it moves before it is an old root that is dropped; see Remove.
func (v *datasets) Freeze(root, p string) error {
	if err := oneKey(v.at(root), v.at(baseDir)); err != nil {
		return err
	}
	s, err := snapshot(v.at(root), strings.ReplaceAll(p, "/", "-"))
	if err != nil {
		return err
	}
	if _, err := ZFS.Run("zfs", "clone", "-o", "canmount=noauto", "-o", "mountpoint=legacy", "-o", "readonly=on", s, v.at(p)); err != nil {
		return err
	}
	_, err = ZFS.Run("zfs", "snapshot", v.at(p)+"@"+baseSnapshot)
	return err
}

func (v *datasets) Identity(p string) (string, error) { return property(v.at(p), "guid") }

func (v *datasets) Intact(p, identity string) error {
	id, err := v.Identity(p)
	switch {
	case err != nil:
		return err
	case id == "":
		return errors.New("is missing")
	case id != identity:
		return fmt.Errorf("is not the one in the ledger (%s, not %s)", id, identity)
	}
	if s, err := property(v.at(p)+"@"+baseSnapshot, "guid"); err != nil || s == "" {
		return errors.Join(err, fmt.Errorf("has no snapshot %s, so it was never finished", baseSnapshot))
	}
	if ro, err := property(v.at(p), "readonly"); err != nil || ro != "on" {
		return errors.Join(err, errors.New("is writable, so it may have been changed"))
	}
	return nil
}

// Exchange takes two renames, and between them there is no root: ZFS has no step that does both.
func (v *datasets) Exchange(work, root, old string) error {
	there, err := v.Identity(root)
	if err == nil && there != "" {
		err = rename(v.at(root), v.at(old))
	}
	if err != nil {
		return err
	}
	return rename(v.at(work), v.at(root))
}

func (v *datasets) PutAway(work, old string) error {
	if id, err := v.Identity(work); err != nil || id == "" {
		return err
	}
	return rename(v.at(work), v.at(old))
}

// Finish takes from the old root what would make somebody boot or mount it, and the space that was set aside for the root.
// The pool's property bootfs holds on to a dataset, not to its name: it has gone with the old root.
func (v *datasets) Finish(place, old string) error {
	boot, err := v.bootfs()
	if err == nil && boot == v.at(old) {
		_, err = ZFS.Run("zpool", "set", "bootfs="+v.at(place), v.pool)
	}
	if err != nil {
		return err
	}
	_, err = ZFS.Run("zfs", "set", "canmount=noauto", "mountpoint=legacy", "reservation=none", "refreservation=none", v.at(old))
	return err
}

// InUse looks at the dataset alone: what somebody has put below it is not ours to drop, and Remove says so.
func (v *datasets) InUse(p string) (string, error) {
	at, err := sys.DatasetInUse(v.at(p))
	if err != nil || at != "" {
		return at, err
	}
	mounted, err := property(v.at(p), "mounted")
	if mounted == "yes" {
		at = "a place that is not seen from here"
	}
	return at, err
}

func (v *datasets) List(dir string) ([]string, error) {
	names, err := children(v.at(dir))
	for i, n := range names {
		names[i] = path.Base(n)
	}
	slices.Sort(names)
	return names, err
}

func (v *datasets) Open(p string, _ []string) (string, func() error, error) { return ZFS.Show(v.at(p)) }

func (v *datasets) Check(dir string, made Made) error {
	out, err := ZFS.Run("zfs", "list", "-Hp", "-o", "name,guid,origin", dir)
	if err != nil {
		return err
	}
	f := strings.Split(strings.TrimSpace(out), "\t")
	if len(f) != 3 {
		return fmt.Errorf("zfs list %s: %q", dir, out)
	}
	from, _, _ := strings.Cut(f[2], "@")
	parent := ""
	if from != "-" {
		if parent, err = property(from, "guid"); err != nil {
			return err
		}
	}
	if f[1] != made.UUID || parent != made.Parent {
		return fmt.Errorf("the root at %s is the dataset %s (%s from %s), but this boot made %s from %s: check 'root=' on the kernel command line",
			dir, f[0], f[1], or(parent, "nothing"), made.UUID, made.origin())
	}
	return nil
}

func (v *datasets) bootfs() (string, error) {
	out, err := ZFS.Run("zpool", "get", "-Hp", "-o", "value", "bootfs", v.pool)
	return strings.TrimSpace(out), err
}

func (v *datasets) guid() (string, error) {
	out, err := ZFS.Run("zpool", "get", "-Hp", "-o", "value", "guid", v.pool)
	return strings.TrimSpace(out), err
}
