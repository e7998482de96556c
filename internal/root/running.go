package root

import (
	"path"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// OpenRunning opens the running root by itself, beneath all that is mounted in it. Of an overlay that is its upper directory, which
// may be in memory. Close it with the function only.
func (d *Disk) OpenRunning() (*sys.Tree, func(), error) {
	if r := d.ledger.Running; d.kind.Name() == decl.Overlay && r.RAM && !r.Saved {
		t, err := sys.OpenTree(path.Join(ramDir, path.Base(upper)))
		if err != nil {
			return nil, nil, err
		}
		return t, func() { t.Close() }, nil
	}
	return d.OpenVolume(d.ledger.Root)
}

// OnNewest reports whether the running root began as the newest base, or lies over it.
func (d *Disk) OnNewest() bool {
	b, err := d.ledger.newestBase()
	r := d.ledger.Running
	return err == nil && r.From == "" && r.Base == b.Number
}
