package root

import (
	"fmt"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// CheckRunning reports with an error if the root mounted at dir is not the one that was made by a backend; nil is nothing that was made.
// It needs no disk: it is for a machine that runs.
func CheckRunning(kind decl.Backend, dir string, made *Made) error {
	switch {
	case made == nil:
		return nil
	case kind == decl.Btrfs:
		return CheckBtrfs(dir, *made)
	case kind == decl.Overlay:
		return CheckOverlay(dir)
	}
	return nil
}

// Check reports with an error if the root that is mounted at dir is not the one that was made; nil is nothing that was made.
func (d *Disk) Check(dir string, made *Made) error {
	if made == nil {
		return nil
	}
	return d.kind.Check(dir, *made)
}

// IsRoot reports with an error if what is mounted at dir is not the root that the ledger is about, but one of somebody's own choice.
func (d *Disk) IsRoot(dir string) error {
	want, err := d.Current()
	if err != nil {
		return err
	}
	is := ""
	switch d.kind.Name() {
	case decl.Overlay:
		return CheckOverlay(dir)
	case decl.ZFS:
		is, err = ZFS.Run("zfs", "list", "-Hp", "-o", "guid", dir)
		is = strings.TrimSpace(is)
	default:
		var t *sys.Tree
		if t, err = sys.OpenTree(dir); err != nil {
			return err
		}
		defer t.Close()
		var s sys.Subvolume
		s, err = t.Subvolume(".")
		is = s.UUID
	}
	if err == nil && is != want {
		err = fmt.Errorf("the running root is not the one at %s that is reset (%s, not %s): boot without a subvolume or dataset of your own choice", d.ledger.Root, is, want)
	}
	return err
}
