package recall

import (
	"errors"
	"fmt"
	"path"
	"time"

	"anicca/internal/sys"
)

// Action is one object that is brought back, or taken away.
type Action struct {
	What  string   `json:"what"`            // bring, replace or remove
	Path  string   `json:"path"`            // in the place that it comes from
	To    string   `json:"to"`              // in the running root
	Is    *Version `json:"is,omitempty"`    // what comes
	There *Version `json:"there,omitempty"` // what lies there, and differs
	Aside string   `json:"aside,omitempty"` // where that is afterwards
}

// The words of an [Action].
const (
	Bring   = "bring"   // nothing lies there
	Replace = "replace" // what lies there is put aside
	Remove  = "remove"  // it is put aside, and nothing comes in its place
)

// Restore says what has to be done for to, in the running root, to hold what the view has at p. A directory that is there already
// gets what it lacks; what only it has stays. It is empty if there is nothing to do.
func (m *Machine) Restore(v *View, p, to string) ([]Action, error) {
	s, err := v.Stat(p)
	if err != nil {
		return nil, err
	}
	switch {
	case s == nil:
		return nil, fmt.Errorf("%s has no %s", v.Name, p)
	case kind(s) == "socket":
		return nil, fmt.Errorf("%s is a socket, which only its program can make", p)
	}
	return m.restore(v, p, to, s)
}

func (m *Machine) restore(v *View, p, to string, s *sys.Stat) ([]Action, error) {
	here, err := m.Open(Root)
	if err != nil {
		return nil, err
	}
	there, err := here.Stat(to)
	if err != nil {
		return nil, err
	}
	switch {
	case there == nil:
		return m.actions(v, here, Bring, p, to)
	case s.IsDir() && there.IsDir():
		names, err := v.list(p)
		if err != nil {
			return nil, err
		}
		var out []Action
		for _, n := range names {
			from, at := path.Join(p, n), path.Join(to, n)
			x, err := v.Stat(from)
			if err != nil {
				return nil, err
			}
			away, err := here.elsewhere(at, to)
			if err != nil {
				return nil, err
			}
			if x == nil || kind(x) == "socket" || away && v.part(from) != from {
				continue // what is mounted here has its own life
			}
			some, err := m.restore(v, from, at, x)
			if err != nil {
				return nil, err
			}
			out = append(out, some...)
		}
		return out, nil
	}
	if is, err := m.asThere(v, here, p, to, s, there); err != nil || is {
		return nil, err
	}
	if err := m.replaceable(to); err != nil {
		return nil, err
	}
	return m.actions(v, here, Replace, p, to)
}

// asThere reports whether what comes is what lies there already.
func (m *Machine) asThere(v, here *View, p, to string, s, there *sys.Stat) (bool, error) {
	moved := *here
	moved.kept = func(string) string { return to } // looks at the one path under the name that the other has
	return same(v, &moved, p, s, there)
}

func (m *Machine) actions(v, here *View, what, p, to string) ([]Action, error) {
	a := Action{What: what, Path: p, To: to}
	var err error
	if a.Is, err = v.version(p); err == nil && what != Bring {
		a.There, err = here.version(to)
	}
	return []Action{a}, err
}

// replaceable reports with an error if what lies at p cannot be put aside.
func (m *Machine) replaceable(p string) error {
	if e := m.entry(p); e != nil && e.Path == p && e.Kind != "carry" && e.Kind != "copy" {
		return fmt.Errorf("%s is kept (%s): its store is the truth, so restore to %s, or elsewhere, with --to", p, e.Kind, e.Source)
	}
	mounts, err := sys.MountsIn(m.Root.Path(p))
	if err != nil {
		return err
	}
	if len(mounts) > 0 {
		return fmt.Errorf("%s cannot be put aside: something is mounted at %s", p, mounts[0])
	}
	return nil
}

// Do does one action. Data goes through a copy that is read back; what lay there changes places with it in one step, and stays
// beside it under the name that the action says afterwards. Whatever stops in between, both are there.
func (m *Machine) Do(v *View, a *Action, now time.Time) error {
	if a.What != Bring {
		a.Aside = aside(a.To, now)
	}
	if a.What == Remove {
		if err := m.Root.Rename(a.To, a.Aside); err != nil {
			return apart(err, a.To)
		}
		return m.settle(a.To)
	}
	t, rest, err := v.at(a.Path)
	if err != nil {
		return err
	}
	if a.What == Bring {
		if err := m.above(t, rest, a.To); err != nil {
			return err
		}
		return sys.Copy(t, rest, m.Root, a.To)
	}
	if there, err := m.Root.Exists(a.Aside); err != nil || there {
		return errors.Join(err, fmt.Errorf("%s is in the way: move it away", a.Aside))
	}
	if err := sys.Copy(t, rest, m.Root, a.Aside); err != nil {
		return err
	}
	if err := m.Root.Exchange(a.Aside, a.To); err != nil {
		return errors.Join(apart(err, a.To), m.Root.RemoveTree(a.Aside)) // the copy that was just made
	}
	return m.settle(a.To)
}

// apart says what to do where the kernel does not let a whole directory change places.
func apart(err error, p string) error {
	if sys.IsApart(err) {
		return fmt.Errorf("%s: this overlay does not let a directory of the base be moved: name what you want in it", p)
	}
	return err
}

// settle waits until a rename is on the disk.
func (m *Machine) settle(p string) error {
	dir, err := m.Root.Sub(path.Dir(p))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// aside is where what lies at p goes. Programs that read all files of a directory pass over hidden ones.
func aside(p string, now time.Time) string {
	dir, name := path.Split(p)
	return path.Join(dir, fmt.Sprintf(".%.200s.anicca-%s", name, now.UTC().Format("20060102T150405Z")))
}

// above makes what is missing above a path, as it is above the original.
func (m *Machine) above(t *sys.Tree, rest, at string) error {
	return m.Root.MakeAll(path.Dir(at), func(dir string) error {
		model := path.Join(path.Dir(rest), relative(dir, path.Dir(at)))
		if s, err := t.Stat(model); err == nil && s.IsDir() {
			return m.Root.MkdirLike(dir, t, model)
		}
		return m.Root.Mkdir(dir, sys.Perm{Mode: 0o755})
	})
}

// relative returns the path from base up to dir as "../..", for a directory that lies above base.
func relative(dir, base string) string {
	up := "."
	for d := path.Clean(base); d != path.Clean(dir) && d != "/"; d = path.Dir(d) {
		up = path.Join(up, "..")
	}
	return up
}

// Undo says what has to be done for p to be as a base has it. It is nil if it is.
func (m *Machine) Undo(base *View, p string) (*Action, error) {
	if e := m.entry(p); e != nil {
		return nil, fmt.Errorf("%s is kept, so that its store is the truth, and not the base: 'anicca log %s' shows what there was, 'anicca forget %s' keeps it no longer", p, p, e.Path)
	}
	if m.Boot != nil {
		for _, e := range m.Boot.Entries {
			if p == "/" || len(e.Path) > len(p) && e.Path[:len(p)+1] == p+"/" {
				return nil, fmt.Errorf("%s is kept and lies in %s: name what you want back, without it", e.Path, p)
			}
		}
	}
	here, err := m.Open(Root)
	if err != nil {
		return nil, err
	}
	d, err := Compare(here, base, p)
	if err != nil || d.Same {
		return nil, err
	}
	a := &Action{What: Replace, Path: p, To: p, Is: d.After, There: d.Before}
	switch {
	case d.Before == nil:
		a.What = Bring
		return a, nil
	case d.After == nil:
		a.What = Remove
	}
	return a, m.replaceable(p)
}
