package recall

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"anicca/internal/plan"
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

// ErrSocket says why there is nothing to bring back.
var ErrSocket = errors.New("is a socket, which only its program can make")

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
		return nil, fmt.Errorf("%s %w", p, ErrSocket)
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
			is, err := here.Stat(at)
			if errors.Is(err, fs.ErrPermission) {
				continue // what a user has mounted there
			}
			if err != nil {
				return nil, err
			}
			if m.fixed(at) != nil || x == nil || kind(x) == "socket" || is != nil && here.elsewhere(is, there) && v.part(from) != from {
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
	moved := *here
	moved.kept = func(string) string { return to } // looks at the one path under the name that the other has
	if is, _, err := same(v, &moved, p, s, there); err != nil || is {
		return nil, err
	}
	if err := m.replaceable(to); err != nil {
		return nil, err
	}
	return m.actions(v, here, Replace, p, to)
}

func (m *Machine) actions(v, here *View, what, p, to string) ([]Action, error) {
	a := Action{What: what, Path: p, To: to}
	var err error
	if a.Is, err = v.version(p); err == nil && what != Bring {
		a.There, err = here.version(to)
	}
	return []Action{a}, err
}

// fixed returns the entry that is put in place at p itself as something that must not be replaced; nil if there is none.
func (m *Machine) fixed(p string) *plan.Step {
	if e := m.entry(p); e != nil && e.Path == p && (e.Kind == plan.Bind || e.Kind == plan.Symlink) {
		return e
	}
	return nil
}

// replaceable reports with an error if what lies at p cannot be put aside.
func (m *Machine) replaceable(p string) error {
	if e := m.fixed(p); e != nil {
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
			return immovable(err, a.To)
		}
		return m.settle(a.To)
	}
	t, rest, err := v.at(a.Path)
	if err != nil {
		return err
	}
	if a.What == Bring {
		model := rest
		if a.To != a.Path {
			model = ""
		}
		if err := m.above(t, model, a.To); err != nil {
			return err
		}
		return sys.Copy(t, rest, m.Root, a.To)
	}
	switch there, err := m.Root.Exists(a.Aside); {
	case err != nil:
		return err
	case there:
		return fmt.Errorf("%s is in the way: move it away", a.Aside)
	}
	if err := sys.Copy(t, rest, m.Root, a.Aside); err != nil {
		return err
	}
	if err := m.Root.Exchange(a.Aside, a.To); err != nil {
		return errors.Join(immovable(err, a.To), m.Root.RemoveTree(a.Aside)) // the copy that was just made
	}
	return m.settle(a.To)
}

// immovable says what to do where the kernel does not let a whole directory change places.
func immovable(err error, p string) error {
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

// stamp is how the name of what was put aside says when.
const stamp = "20060102T150405Z"

// isAside reports whether p has the name of something that was put aside.
func isAside(p string) bool {
	name, when, ok := strings.Cut(path.Base(p), ".anicca-")
	_, err := time.Parse(stamp, when)
	return ok && err == nil && strings.HasPrefix(name, ".")
}

// aside is where what lies at p goes. Programs that read all files of a directory pass over hidden ones.
func aside(p string, now time.Time) string {
	dir, name := path.Split(p)
	return path.Join(dir, fmt.Sprintf(".%.200s.anicca-%s", name, now.UTC().Format(stamp)))
}

// above makes what is missing above a path, as it is above the original. Without that, directories are anybody's to read.
func (m *Machine) above(t *sys.Tree, rest, at string) error {
	return m.Root.MakeAll(path.Dir(at), func(dir string) error {
		if rest == "" {
			return m.Root.Mkdir(dir, sys.Mine(0o755))
		}
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
	switch at, err := here.foreign(base, p); {
	case err != nil:
		return nil, err
	case at != "":
		return nil, fmt.Errorf("%s lies on what is mounted at %s, which no base has: it is not forgotten either", p, at)
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

// foreign returns where the filesystem is mounted that p lies on, if that is neither the root nor a part that the base has too.
func (v *View) foreign(base *View, p string) (string, error) {
	for ; p != "/"; p = path.Dir(p) {
		s, err := v.Stat(p)
		if err != nil {
			return "", err
		}
		dir, err := v.Stat(path.Dir(p))
		if err != nil {
			return "", err
		}
		if s != nil && dir != nil && v.elsewhere(s, dir) && base.part(p) != p {
			return p, nil
		}
	}
	return "", nil
}
