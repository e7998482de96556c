// Package recall looks back: it compares what lies at a path now with what lay there before, and brings it back.
//
// A [View] is one place to look: the running root, the store, a base or an old root, which is a whole tree whatever the backend
// keeps of it. All paths are absolute paths of the machine.
package recall

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// Machine is what there is to look into.
type Machine struct {
	Disk *root.Disk
	Root *sys.Tree  // the running root
	Boot *plan.Boot // the recorded boot plan, nil if nothing was applied yet

	Missing bool // losses are only what is missing, not what became something else

	Stop func() error // asked before each object that is looked at, and each action: its error ends that; nil if nobody can stop it
}

// Names that say where to look, beside the id of an old root and "base:N".
const (
	Root  = "root"  // the running root
	Base  = "base"  // the newest base
	Store = "store" // kept copies
	Last  = "last"  // the newest old root
)

// Open opens the place to look that a name says: root, store, base, base:N, last, or an old root by its id, by a beginning of the
// id that no other has, or by the number that it begins with.
func (m *Machine) Open(name string) (*View, error) {
	number, numbered := strings.CutPrefix(name, Base+":")
	switch {
	case name == Root:
		return &View{Name: "the running root", ID: Root, trees: map[string]place{"": {tree: m.Root}}, shared: true, stop: m.Stop}, nil
	case name == Store:
		return &View{Name: "the store", ID: Store, trees: map[string]place{"": {tree: m.Root}}, shared: true, kept: m.source, stop: m.Stop}, nil
	case name == Base:
		b, err := m.Disk.Base()
		if err != nil {
			return nil, err
		}
		return m.base(b), nil
	case numbered:
		list := m.Disk.Ledger().Bases
		i := slices.IndexFunc(list, func(b root.Base) bool { return strconv.Itoa(b.Number) == number })
		if i < 0 {
			return nil, fmt.Errorf("there is no base %s: 'anicca base' lists them", number)
		}
		return m.base(list[i]), nil
	}
	o, err := m.Old(name)
	if err != nil {
		return nil, err
	}
	return m.old(o), nil
}

func (m *Machine) base(b root.Base) *View {
	v := &View{Name: fmt.Sprintf("base %d", b.Number), ID: fmt.Sprintf("%s:%d", Base, b.Number), trees: map[string]place{}, stop: m.Stop}
	v.parts = paths(b.Parts)
	v.open = func(p string) (string, string, func() error, error) { return m.Disk.OpenNumber(b.Number, p) }
	if m.Disk.Whole() {
		v.hidden = "/anicca" // roots do not show it either
	}
	return v
}

func (m *Machine) old(o root.Old) *View {
	v := m.alone(o)
	open := v.open
	v.open = func(p string) (string, string, func() error, error) {
		dir := path.Join(BrowseDir, o.ID)
		if is, err := m.mounted(dir); err != nil || is { // the kernel does not like an overlay to be mounted twice
			return path.Join(m.Root.Path(dir), p), "/", func() error { return nil }, err
		}
		return open(p)
	}
	return v
}

// alone is an old root that is opened for this view alone.
func (m *Machine) alone(o root.Old) *View {
	v := &View{Name: "old root " + o.ID, ID: o.ID, trees: map[string]place{}, parts: paths(o.Parts), stop: m.Stop}
	v.open = func(p string) (string, string, func() error, error) { return m.Disk.OpenOld(o.ID, p) }
	return v
}

func paths(parts []root.Part) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p.Path)
	}
	return out
}

// Old finds an old root that is there, as [Named] does.
func (m *Machine) Old(name string) (root.Old, error) {
	list, err := m.Disk.Archive()
	if err != nil {
		return root.Old{}, err
	}
	o, err := Named(list, name)
	if err == nil && o.Lost {
		return root.Old{}, fmt.Errorf("old root %s was in memory and was not saved: nothing of it is there", o.ID)
	}
	return o, err
}

// Named finds an old root in a list, oldest first, by its id, by a beginning of the id that no other has, by its number, or as the last.
func Named(list []root.Old, name string) (root.Old, error) {
	if len(list) == 0 {
		return root.Old{}, errors.New("there are no old roots yet: each reset makes one")
	}
	var found []root.Old
	for i, o := range list {
		number, _, _ := strings.Cut(o.ID, "-")
		switch {
		case o.ID == name, name == Last && i == len(list)-1:
			return o, nil
		case name != "" && (strings.HasPrefix(o.ID, name) || strings.TrimLeft(number, "0") == name):
			found = append(found, o)
		}
	}
	switch {
	case len(found) == 0:
		return root.Old{}, fmt.Errorf("no old root %q: 'anicca archive' lists them", name)
	case len(found) > 1:
		return root.Old{}, fmt.Errorf("%q is the beginning of %s and of %s: write more of it", name, found[0].ID, found[1].ID)
	}
	return found[0], nil
}

// entry returns the entry that keeps p, by itself or because p lies in it; nil if none does.
func (m *Machine) entry(p string) *plan.Step {
	if m.Boot == nil {
		return nil
	}
	for up := p; ; up = path.Dir(up) {
		for i, e := range m.Boot.Entries {
			if e.Path == up && (up == p || e.Dir) {
				return &m.Boot.Entries[i]
			}
		}
		if up == "/" {
			return nil
		}
	}
}

// source is where the kept copy of p lies, or would lie.
func (m *Machine) source(p string) string {
	if e := m.entry(p); e != nil {
		return path.Join(e.Source, strings.TrimPrefix(p, e.Path))
	}
	return path.Join(m.Disk.Ledger().StorePath, p)
}

// Find opens the newest old root that has an object at p.
func (m *Machine) Find(p string) (*View, error) {
	old, err := m.Disk.Archive()
	if err != nil {
		return nil, err
	}
	for _, o := range slices.Backward(old) {
		if o.Lost {
			continue // what lies there is not of that session
		}
		v := m.old(o)
		if s, err := v.Stat(p); err != nil || s != nil {
			if err != nil {
				return nil, errors.Join(err, v.Close())
			}
			return v, nil
		}
		if err := v.Close(); err != nil {
			return nil, err
		}
	}
	hint := ""
	if e := m.entry(p); e != nil {
		hint = fmt.Sprintf("; %s is kept, so that it is in the store and not in old roots", e.Path)
	}
	return nil, fmt.Errorf("%s: none of the %d old roots has it%s", p, len(old), hint)
}
