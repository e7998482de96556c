// Package history reads the generations of a store: what was kept, from when until when.
package history

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"time"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Generation is one applied declaration.
type Generation struct {
	Number int
	When   time.Time // it was applied
	Boot   *plan.Boot
}

// History is all generations that can be read, oldest first.
type History []Generation

// Read reads the generations of a store. What an older program wrote, or a power cut has left, is passed over.
func Read(store *sys.Tree) (History, error) {
	dir := path.Join(decl.StateDir, "generations")
	names, err := store.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out History
	for _, name := range names {
		n, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		p := path.Join(dir, name, "boot.json")
		s, err := store.Stat(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		data, err := store.ReadFile(p)
		if err != nil {
			return nil, err
		}
		if b, err := plan.DecodeBoot(data); err == nil {
			out = append(out, Generation{Number: n, When: time.Unix(s.Mtim.Unix()), Boot: b})
		}
	}
	slices.SortFunc(out, func(a, b Generation) int { return a.Number - b.Number })
	return out, nil
}

// Has reports whether a generation keeps the very path.
func (g Generation) Has(p string) bool {
	return slices.ContainsFunc(g.Boot.Entries, func(s plan.Step) bool { return s.Path == p })
}

// Since returns the generation from which on, without a gap, the path is kept until now.
func (h History) Since(p string) (first Generation, ok bool) {
	for _, g := range slices.Backward(h) {
		if !g.Has(p) {
			break
		}
		first, ok = g, true
	}
	return first, ok
}

// Last returns the newest generation that kept the path, and when the one after it did so no more; zero if there is none after it.
func (h History) Last(p string) (last Generation, until time.Time, ok bool) {
	for _, g := range slices.Backward(h) {
		if g.Has(p) {
			return g, until, true
		}
		until = g.When
	}
	return Generation{}, time.Time{}, false
}
