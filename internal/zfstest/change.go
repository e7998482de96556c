package zfstest

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"anicca/internal/sys"
)

// free makes sure that a filesystem of a name can be made or moved there.
func (p *Pool) free(what, name, to string) error {
	switch {
	case p.sets[to] != nil:
		return fmt.Errorf("cannot %s '%s': dataset already exists", what, name)
	case p.sets[path.Dir(to)] == nil:
		return fmt.Errorf("cannot create '%s': parent does not exist", to)
	}
	return nil
}

func (p *Pool) create(args []string) (string, error) {
	o, flags, rest, err := options(args, "o")
	if err != nil || len(rest) != 1 || len(flags) > 1 {
		return "", errors.Join(err, errors.New("usage"))
	}
	local, err := properties(o)
	if err == nil {
		err = p.free("create", rest[0], rest[0])
	}
	if err == nil {
		err = p.equip(p.add(rest[0], nil), local)
	}
	return "", err
}

// equip sets the properties of a new filesystem, which is a step of its own: the power may be cut before it.
func (p *Pool) equip(s *set, local map[string]string) error {
	if sys.Fault != nil {
		if err := sys.Fault("run", "zfs set (of the new "+s.name+")"); err != nil {
			return err
		}
	}
	maps.Copy(s.local, local)
	return nil
}

// find returns a snapshot.
func (p *Pool) find(full string) (*snap, error) {
	name, short, _ := strings.Cut(full, "@")
	if s := p.sets[name]; s != nil {
		for _, x := range s.snaps {
			if x.name == short {
				return x, nil
			}
		}
	}
	return nil, fmt.Errorf("cannot open '%s': dataset does not exist", full)
}

func (p *Pool) clone(args []string) (string, error) {
	o, _, rest, err := options(args, "o")
	if err != nil || len(rest) != 2 {
		return "", errors.Join(err, errors.New("usage"))
	}
	from, err := p.find(rest[0])
	if err != nil {
		return "", err
	}
	local, err := properties(o)
	if err == nil {
		err = p.free("create", rest[1], rest[1])
	}
	if err != nil {
		return "", err
	}
	s := p.add(rest[1], nil)
	s.origin, s.files, s.key = from, maps.Clone(from.files), p.key(from.of)
	if err := p.equip(s, local); err != nil {
		return "", err
	}
	if can, _ := p.value(s, "canmount"); can == "on" {
		if at, _ := p.value(s, "mountpoint"); strings.HasPrefix(at, "/") {
			return "", fmt.Errorf("the simulation mounts no clone, and this one would be at %s", at)
		}
	}
	return "", nil
}

func (p *Pool) snapshot(args []string) (string, error) {
	if len(args) != 1 || strings.Count(args[0], "@") != 1 {
		return "", errors.New("usage")
	}
	name, short, _ := strings.Cut(args[0], "@")
	s := p.sets[name]
	if s == nil {
		return "", fmt.Errorf("cannot open '%s': dataset does not exist", name)
	}
	if _, err := p.find(args[0]); err == nil {
		return "", fmt.Errorf("cannot create snapshot '%s': dataset already exists", args[0])
	}
	s.snaps = append(s.snaps, &snap{name: short, guid: p.guid(), of: s, files: maps.Clone(s.files)})
	return "", nil
}

// rename moves a filesystem with all below it. Whoever points to it, as bootfs does, goes with it.
func (p *Pool) rename(args []string) (string, error) {
	_, flags, rest, err := options(args, "")
	if err != nil || len(rest) != 2 {
		return "", errors.Join(err, errors.New("usage"))
	}
	from, to := rest[0], rest[1]
	switch {
	case p.sets[from] == nil:
		return "", fmt.Errorf("cannot open '%s': dataset does not exist", from)
	case strings.HasPrefix(to, from+"/"):
		return "", fmt.Errorf("cannot rename '%s': New dataset name cannot be a descendant of current dataset name", from)
	case !has(flags, "-u"):
		return "", errors.New("the simulation mounts nothing again: rename with -u")
	}
	if err := p.free("rename", from, to); err != nil {
		return "", err
	}
	if k := p.key(p.sets[from]); k != nil && k != p.sets[from] && k != p.key(p.sets[path.Dir(to)]) {
		return "", fmt.Errorf("cannot rename '%s': cannot move encrypted child outside of its encryption root", from)
	}
	for _, s := range p.within(from) {
		delete(p.sets, s.name)
		s.name = to + strings.TrimPrefix(s.name, from)
		p.sets[s.name] = s
	}
	return "", nil
}

// promote hands the snapshots of the origin, up to the one that was cloned, to the clone.
func (p *Pool) promote(args []string) (string, error) {
	if len(args) != 1 {
		return "", errors.New("usage")
	}
	c := p.sets[args[0]]
	if c == nil {
		return "", fmt.Errorf("cannot open '%s': dataset does not exist", args[0])
	}
	o := c.origin
	if o == nil {
		return "", fmt.Errorf("cannot promote '%s': not a cloned filesystem", c.name)
	}
	d := o.of
	n := slices.Index(d.snaps, o) + 1
	moved := slices.Clone(d.snaps[:n])
	for _, s := range moved {
		if _, err := p.find(c.name + "@" + s.name); err == nil {
			return "", fmt.Errorf("cannot promote '%s': snapshot name '%s' from origin conflicts with '%s@%s' from target", c.name, s.full(), c.name, s.name)
		}
	}
	for _, s := range moved {
		s.of = c
	}
	c.snaps = append(moved, c.snaps...)
	d.snaps = slices.Clone(d.snaps[n:])
	c.origin, d.origin = d.origin, o
	return "", nil
}

// destroy destroys a filesystem with all below it and all its snapshots, if nothing else depends on them.
func (p *Pool) destroy(args []string) (string, error) {
	_, flags, rest, err := options(args, "")
	if err != nil || len(rest) != 1 || !has(flags, "-r") || len(flags) != 1 || strings.Contains(rest[0], "@") {
		return "", errors.Join(err, errors.New("usage: the simulation knows only 'zfs destroy -r FILESYSTEM'"))
	}
	gone := p.within(rest[0])
	if len(gone) == 0 {
		return "", fmt.Errorf("cannot open '%s': dataset does not exist", rest[0])
	}
	for _, s := range gone {
		for _, x := range s.snaps {
			for _, c := range p.clones(x) {
				if !slices.Contains(gone, p.sets[c]) {
					return "", fmt.Errorf("cannot destroy '%s': filesystem has dependent clones\nuse '-R' to destroy the following datasets:\n%s", rest[0], c)
				}
			}
		}
		for dir, m := range p.paths {
			if m == s {
				return "", fmt.Errorf("cannot unmount '%s': pool or dataset is busy", dir)
			}
		}
	}
	for _, s := range gone {
		delete(p.sets, s.name)
		if p.bootfs == s {
			p.bootfs = nil
		}
	}
	return "", nil
}

func (p *Pool) set(args []string) (string, error) {
	if len(args) < 2 {
		return "", errors.New("usage")
	}
	s := p.sets[args[len(args)-1]]
	if s == nil {
		return "", fmt.Errorf("cannot open '%s': dataset does not exist", args[len(args)-1])
	}
	props, err := properties(args[:len(args)-1])
	if err == nil {
		maps.Copy(s.local, props)
	}
	return "", err
}
