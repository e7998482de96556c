package recall

import (
	"fmt"
	"path"
)

// Item is one line of a listing.
type Item struct {
	Name string `json:"name"`
	Version
}

// Browse lists what the view has at p: what lies in a directory, else the object itself.
func Browse(v *View, p string) ([]Item, error) {
	x, err := v.version(p)
	switch {
	case err != nil:
		return nil, err
	case x == nil:
		return nil, fmt.Errorf("%s has no %s", v.Name, p)
	case x.Type != "directory":
		return []Item{{path.Base(p), *x}}, nil
	}
	names, err := v.list(p)
	if err != nil {
		return nil, err
	}
	out := []Item{}
	for _, n := range names {
		x, err := v.version(path.Join(p, n))
		if err != nil {
			return nil, err
		}
		if x != nil {
			out = append(out, Item{n, *x})
		}
	}
	return out, nil
}
