package root

import (
	"fmt"
	"strings"
)

// Remove destroys an old root, with its snapshots. Bases that were made of it become independent of it first:
// promoting one hands it the snapshot that it began as, and the older ones, which so outlive the old root.
// What somebody else has made of the old root, or put below it, keeps it.
func (v *datasets) Remove(p string) error {
	inside := strings.HasPrefix(p, archiveDir+"/") || strings.HasPrefix(p, workDir+"/")
	if !inside || strings.ContainsAny(p, "@#%,") {
		return fmt.Errorf("internal error: %s is no old root", p)
	}
	below, err := children(v.at(p))
	if err != nil {
		return err
	}
	if len(below) > 0 {
		return fmt.Errorf("the dataset %s lies below the old root: move it with 'zfs rename' if you need it", below[0])
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
		return fmt.Errorf("the dataset %s is a clone of the old root: 'zfs promote' makes it independent", clones[0])
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
