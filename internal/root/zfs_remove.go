package root

import (
	"fmt"
	"path"
	"strings"
)

// Remove destroys an old root, or a base that was not finished, with its snapshots. Bases that were made of it become independent of it first:
// promoting one hands it the snapshot that it began as, and the older ones, which so outlive the old root.
// What somebody else has made of the old root, or put below it, keeps it.
func (v *datasets) Remove(p string) error {
	inside := strings.HasPrefix(p, archiveDir+"/") || strings.HasPrefix(p, workDir+"/") || strings.HasPrefix(p, baseDir+"/")
	if !inside || strings.ContainsAny(p, "@#%,") || path.Clean(p) != p {
		return fmt.Errorf("internal error: %s is no root of ours", p)
	}
	below, err := children(v.at(p))
	if err != nil {
		return err
	}
	if len(below) > 0 {
		return fmt.Errorf("the dataset %s lies below %s: move it with 'zfs rename' if you need it", below[0], v.at(p))
	}
	clones, err := clonesOf(v.at(p))
	if err != nil {
		return err
	}
	for _, c := range clones {
		if !strings.HasPrefix(c, v.at(baseDir)+"/") {
			continue
		}
		if _, err := ZFS.Run("zfs", "promote", c); err != nil {
			return err
		}
	}
	if clones, err = clonesOf(v.at(p)); err != nil {
		return err
	}
	if len(clones) > 0 {
		return fmt.Errorf("the dataset %s is a clone of %s: 'zfs promote' makes it independent", clones[0], v.at(p))
	}
	_, err = ZFS.Run("zfs", "destroy", "-r", v.at(p))
	return err
}

// clonesOf returns the datasets that began as a snapshot of this one.
func clonesOf(dataset string) ([]string, error) {
	out, err := ZFS.Run("zfs", "get", "-Hp", "-d", "1", "-t", "snapshot", "-o", "value", "clones", dataset)
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(out) {
		for name := range strings.SplitSeq(strings.TrimSpace(line), ",") {
			if name != "" && name != "-" {
				all = append(all, name)
			}
		}
	}
	return all, nil
}
