// Package orphans finds what lies in a store and is kept by no entry.
package orphans

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"

	"anicca/internal/decl"
	"anicca/internal/history"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Orphan is a file or directory in a store that no entry keeps. Nothing is ever done to one by itself.
type Orphan struct {
	Path       string     `json:"path"` // that it was kept for
	Store      string     `json:"store"`
	Source     string     `json:"source"` // where it lies
	Dir        bool       `json:"dir"`
	Size       int64      `json:"size"`                 // that it takes on the disk, in bytes
	Files      int        `json:"files"`                // in it
	Generation int        `json:"generation,omitempty"` // the newest that had an entry for it
	Since      *time.Time `json:"since,omitempty"`      // no entry keeps it
	InPlace    bool       `json:"inPlace,omitempty"`    // until the next boot
}

// Find looks through the stores of a machine. It is an orphan whatever neither the declaration nor the recorded boot plan keeps.
func Find(root *sys.Tree, host *decl.Host, boot *plan.Boot, h history.History) ([]Orphan, error) {
	out := []Orphan{}
	for _, s := range host.Stores {
		w := walker{root: root, store: s.Path, history: h, kept: map[string]bool{}, was: map[string]bool{}, on: map[string]bool{}}
		for _, e := range s.Entries {
			w.note(w.kept, e.Path)
		}
		if boot != nil {
			w.entries(w.kept, boot)
		}
		for _, g := range h {
			w.entries(w.was, g.Boot)
		}
		err := w.dir("/")
		if errors.Is(err, fs.ErrNotExist) { // a store that is not there
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, w.found...)
	}
	slices.SortFunc(out, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Store, b.Store))
	})
	return out, nil
}

type walker struct {
	root    *sys.Tree
	store   string
	history history.History
	kept    map[string]bool // paths of entries
	was     map[string]bool // paths of entries of earlier generations
	on      map[string]bool // directories above any of them
	found   []Orphan
}

func (w *walker) note(set map[string]bool, p string) {
	set[p] = true
	for up := path.Dir(p); up != "/" && up != "."; up = path.Dir(up) {
		w.on[up] = true
	}
}

func (w *walker) entries(set map[string]bool, b *plan.Boot) {
	for _, s := range b.Entries {
		if s.Store == w.store {
			w.note(set, s.Path)
		}
	}
}

// dir looks at what lies in a directory of the store that is not kept itself.
func (w *walker) dir(p string) error {
	here, err := w.root.Stat(path.Join(w.store, p))
	if err != nil {
		return err
	}
	names, err := w.root.List(path.Join(w.store, p))
	if err != nil {
		return err
	}
	for _, n := range names {
		at := path.Join(p, n)
		if w.kept[at] || sys.IsTemp(n) || decl.StoreOwn(at) {
			continue
		}
		s, err := w.root.Stat(path.Join(w.store, at))
		if err != nil || s.MountID != here.MountID {
			continue // gone meanwhile, or another filesystem
		}
		if s.IsDir() && w.on[at] && !w.was[at] {
			err = w.dir(at)
		} else {
			err = w.orphan(at, s)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // gone meanwhile
			return err
		}
	}
	return nil
}

func (w *walker) orphan(p string, s sys.Stat) error {
	o := Orphan{Path: p, Store: w.store, Source: path.Join(w.store, p), Dir: s.IsDir()}
	var err error
	if o.Size, o.Files, err = Size(w.root, o.Source); err != nil {
		return err
	}
	if o.Dir && o.Files == 0 && !w.was[p] {
		return nil // only the way to what is gone
	}
	if g, until, ok := w.history.Last(p); ok {
		o.Generation = g.Number
		if !until.IsZero() {
			o.Since = &until
		}
	}
	o.InPlace, _ = sys.MountedFrom(w.root, o.Source, w.root, p)
	if target, err := w.root.Readlink(p); err == nil && target == o.Source {
		o.InPlace = true
	}
	w.found = append(w.found, o)
	return nil
}

// Forgotten returns where 'anicca forget --archive' has moved kept copies to, in the stores of a machine: one directory for each time.
func Forgotten(root *sys.Tree, host *decl.Host) ([]string, error) {
	var out []string
	for _, s := range host.Stores {
		dir := path.Join(s.Path, decl.StateDir, "forgotten")
		names, err := root.List(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, n := range names {
			out = append(out, path.Join(dir, n))
		}
	}
	return out, nil
}
