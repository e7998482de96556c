package recall

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"anicca/internal/sys"
)

// Do does one action. Data goes through a copy that is read back; what lay there changes places with it in one step, and stays
// beside it under the name that the action says afterwards. Whatever stops in between, both are there.
func (m *Machine) Do(v *View, a *Action, now time.Time) error {
	if m.Stop != nil {
		if err := m.Stop(); err != nil {
			return err
		}
	}
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
	if err := m.swap(a, now); err != nil {
		return err
	}
	return m.settle(a.To)
}

// swap lets the copy that was made beside what lies there change places with it. Where the filesystem cannot do that in one step, such as ZFS up
// to 2.1, what lies there is put aside first, under another name: whatever stops in between, both are there.
func (m *Machine) swap(a *Action, now time.Time) error {
	made := a.Aside
	err := m.Root.Exchange(made, a.To)
	if sys.IsUnknown(err) {
		old := aside(a.To, now.Add(time.Second))
		if err = m.Root.Rename(a.To, old); err == nil {
			if err = m.Root.Rename(made, a.To); err == nil {
				a.Aside = old
				return nil
			}
			err = errors.Join(err, m.Root.Rename(old, a.To))
		}
	}
	if err != nil {
		return errors.Join(immovable(err, a.To), m.Root.RemoveTree(made)) // the copy that was just made
	}
	return nil
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
	const room = 255 - len(".") - len(".anicca-"+stamp) // of all that a name may have, in bytes
	if len(name) > room {
		name = name[:room]
		for !utf8.ValidString(name) && len(name) > room-utf8.UTFMax {
			name = name[:len(name)-1] // no half of a letter
		}
	}
	return path.Join(dir, "."+name+".anicca-"+now.UTC().Format(stamp))
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
