package orphans

import (
	"errors"
	"io/fs"
	"strings"

	"anicca/internal/sys"
)

// Size returns how much room something takes on its own filesystem, and how many files are in it.
func Size(root *sys.Tree, p string) (size int64, files int, err error) {
	c := counter{root: root, seen: map[uint64]bool{}}
	s, err := root.Stat(p)
	if err == nil {
		c.mount = s.MountID
		err = c.add(p)
	}
	return c.size, c.files, err
}

type counter struct {
	root  *sys.Tree
	mount uint64
	seen  map[uint64]bool // files with several names
	size  int64
	files int
}

func (c *counter) add(p string) error {
	s, err := c.root.Stat(p)
	if errors.Is(err, fs.ErrNotExist) || err == nil && s.MountID != c.mount {
		return nil
	}
	if err != nil {
		return err
	}
	if !s.IsDir() {
		c.files++
		if s.Nlink > 1 && c.seen[s.Ino] {
			return nil
		}
		c.seen[s.Ino] = true
		c.size += s.Blocks * 512
		return nil
	}
	c.size += s.Blocks * 512
	names, err := c.root.List(p)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, n := range names {
		if err := c.add(strings.TrimSuffix(p, "/") + "/" + n); err != nil {
			return err
		}
	}
	return nil
}
