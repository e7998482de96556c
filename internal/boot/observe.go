package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// observedDir lies in the store; it holds a report for each of the last boots that only observed.
const observedDir = decl.StateDir + "/observed"

// reports is how many of them are kept.
const reports = 10

// Observe writes down, in a boot that keeps the root to observe, what a reset would have dropped, and notes where.
func Observe(dir, recordPath string, now time.Time) error {
	r, err := ReadRecord(recordPath)
	if err != nil || r == nil || !r.Observe || r.Device == "" || r.StorePath == "" {
		return err
	}
	top, done, err := root.LookTop(r.Device, r.FSType)
	if err != nil {
		return err
	}
	defer func() { _ = done() }()
	d, err := root.Open(top)
	if err != nil {
		return err
	}
	defer d.Close()
	t, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	text, sum, err := observe(t, d, r.StorePath)
	if err != nil {
		return err
	}
	p := path.Join(r.StorePath, observedDir, now.UTC().Format("20060102T150405Z")+".txt")
	if err := keepReports(t, path.Dir(p)); err != nil {
		return err
	}
	if err := t.WriteFile(p, []byte(text), sys.Mine(0o600)); err != nil {
		return err
	}
	// The late service may have written to the record meanwhile.
	if r, err = ReadRecord(recordPath); err != nil || r == nil {
		return err
	}
	r.Notes = append(without(r.Notes, observed), fmt.Sprintf("%s %s; the list is %s", observed, sum, p))
	return r.Write(recordPath)
}

// observed begins the note about a report.
const observed = "a reset at this boot would have dropped"

// observe compares the running root with the newest base.
func observe(t *sys.Tree, d *root.Disk, store string) (text, sum string, err error) {
	kept, err := t.Sub(store)
	if err != nil {
		return "", "", err
	}
	b, err := apply.Current(kept)
	kept.Close()
	if err != nil || b == nil {
		return "", "", err
	}
	dir, done, err := d.OpenBase()
	if err != nil {
		return "", "", err
	}
	defer func() { _ = done() }()
	base, err := sys.OpenTree(dir)
	if err != nil {
		return "", "", err
	}
	defer base.Close()
	var list strings.Builder
	var files int
	var size int64
	skip := passOver(b)
	tell := func(at string) func(sys.Change) {
		return func(c sys.Change) {
			fmt.Fprintf(&list, "%-8s  %6d files  %12d bytes  %s\n", c.What, c.Files, c.Size, path.Join(at, c.Path))
			files += c.Files
			size += c.Size
		}
	}
	if err := sys.Changes(base, t, skip, tell("/")); err != nil {
		return "", "", err
	}
	for _, v := range b.Volumes {
		if err := observePart(root.PartDir(dir, v.Path), t, v.Path, skip, tell(v.Path)); err != nil {
			return "", "", err
		}
	}
	sum = fmt.Sprintf("%d changes to %d files, %d KiB", strings.Count(list.String(), "\n"), files, size>>10)
	newest, err := d.Base()
	return fmt.Sprintf("# %s: %s (compared with base %d).\n", observed, sum, newest.Number) + list.String(), sum, err
}

// observePart compares a volume that is reset with the root. One that no base has is not reset.
func observePart(base string, t *sys.Tree, at string, skip func(string) bool, tell func(sys.Change)) error {
	old, err := sys.OpenTree(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Close()
	now, err := t.Sub(at)
	if err != nil {
		return err
	}
	defer now.Close()
	return sys.Changes(old, now, func(p string) bool { return skip(path.Join(at, p)) }, tell)
}

// passOver says what is not lost: entries, and what no reset is about.
func passOver(b *plan.Boot) func(string) bool {
	skip := map[string]bool{}
	for _, p := range b.Kept() {
		skip[p] = true
	}
	return func(p string) bool { return skip[p] }
}

// keepReports makes room for one more report.
func keepReports(t *sys.Tree, dir string) error {
	if err := t.MkdirAll(dir, func(string) sys.Perm { return sys.Mine(0o700) }); err != nil {
		return err
	}
	names, err := t.List(dir)
	if err != nil {
		return err
	}
	for len(names) >= reports {
		if err := t.Remove(path.Join(dir, names[0])); err != nil {
			return err
		}
		names = names[1:]
	}
	return nil
}
