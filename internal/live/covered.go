package live

import (
	"path"
	"slices"
	"time"

	"anicca/internal/sys"
)

// unsaved returns the first thing in a covered directory that its kept copy does not have as new, "" if there is none.
// A program that had a file open when it was covered writes on into the covered one.
func unsaved(covered, kept *sys.Tree) (string, error) {
	s, err := kept.Stat(".")
	if err != nil {
		return "", err
	}
	return looker{covered, kept, s.Born}.dir(".")
}

type looker struct {
	covered, kept *sys.Tree
	born          time.Time // when the kept copy was made; what is older and not in it was removed there later
}

func (l looker) dir(p string) (string, error) {
	names, err := l.covered.List(p)
	if err != nil {
		return "", err
	}
	for _, n := range names {
		if sys.IsTemp(n) {
			continue
		}
		if found, err := l.object(path.Join(p, n)); err != nil || found != "" {
			return found, err
		}
	}
	return "", nil
}

func (l looker) object(p string) (string, error) {
	c, err := l.covered.Stat(p)
	if err != nil {
		return "", err
	}
	if c.IsDir() {
		return l.dir(p)
	}
	if !c.IsFile() && !c.IsLink() {
		return "", nil // without content
	}
	k, err := l.kept.Stat(p)
	switch {
	case isMissing(err) || err == nil && k.Type() != c.Type():
		if l.born.IsZero() || time.Unix(c.Ctim.Unix()).After(l.born) {
			return p, nil
		}
		return "", nil
	case err != nil:
		return "", err
	case c.Mtim.Nano() <= k.Mtim.Nano():
		return "", nil
	}
	differ, err := contentDiffers(l.covered, p, l.kept, p)
	if err != nil || !differ {
		return "", err
	}
	return p, nil
}

// contentDiffers compares two files apart from their times.
func contentDiffers(a *sys.Tree, ap string, b *sys.Tree, bp string) (bool, error) {
	diff, err := sys.Compare(a, ap, b, bp, 10)
	return slices.ContainsFunc(diff, func(d sys.Difference) bool { return d.What != sys.TimeDiffers }), err
}
