// Package survey finds out what a machine has that is worth keeping: which packages are installed, which units are enabled
// and where they keep their state, which configuration differs from what packages brought, and what lies in homes.
//
// It reads files only and runs nothing, so that a machine that does not run, or an archive in a test, can be looked at too.
package survey

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// Source is where [Read] reads a machine from.
type Source struct {
	FS        fs.FS     // its root
	Prefix    string    // where its root is mounted, if not at /
	Mountinfo io.Reader // its mount table; nil for proc/self/mountinfo below FS, if that is there
	Accounts  *facts.Accounts
}

// Machine is what was found.
type Machine struct {
	Packages []string        // names of installed packages, sorted; empty where no package database can be read
	Programs map[string]bool // names of programs
	Units    []Unit          // enabled ones, sorted by name
	Made     []Made          // directories that tmpfiles.d makes, sorted by path
	Changed  []Conffile      // sorted by path
	Data     map[string]bool // absolute paths that were asked for, or that Units and Made name: true if they hold data
	Homes    []Home          // of people, in the order of their accounts
	Private  []string        // what could not be looked into for want of permission, sorted

	mounts facts.Mounts
}

// Home is what lies in the home of one person.
type Home struct {
	decl.Account
	Data map[string]string // by path of a preset: where that is in this home, below it, if it holds data
}

// Read looks at a machine: at what is installed, and at all that the presets name.
func Read(src Source, presets []decl.Preset) (*Machine, error) {
	r := reader{fs: src.FS, m: &Machine{Programs: map[string]bool{}, Data: map[string]bool{}}}
	var err error
	if r.m.mounts, err = mounts(src); err != nil {
		return nil, err
	}
	if err = r.packages(); err != nil {
		return nil, err
	}
	r.programs()
	if r.m.Units, err = r.units(); err != nil {
		return nil, err
	}
	if r.m.Made, err = r.tmpfiles(); err != nil {
		return nil, err
	}
	for _, p := range presets {
		for _, e := range p.Entries {
			if !e.Home {
				r.look(e.Path)
			}
		}
	}
	for _, u := range r.m.Units {
		for _, d := range u.State {
			r.look(d)
		}
	}
	for _, d := range r.m.Made {
		r.look(d.Path)
	}
	r.changed()
	r.configuration()
	for _, u := range src.Accounts.Users() {
		if u.Person() {
			r.home(src.Accounts, u, presets)
		}
	}
	slices.Sort(r.m.Private)
	r.m.Private = slices.Compact(r.m.Private)
	return r.m, nil
}

type reader struct {
	fs      fs.FS
	m       *Machine
	brought brought
}

// look notes whether a path holds data.
func (r *reader) look(p string) {
	if _, done := r.m.Data[p]; !done {
		r.m.Data[p] = r.holds(p)
	}
}

// most is how many files of one directory are looked at; one with more holds data.
const most = 1000

// holds reports whether a path is a file with content, or a directory with one somewhere below, that no package brought.
// What may not be looked into is noted, and nothing is claimed of it.
func (r *reader) holds(p string) bool {
	found, n := false, 0
	err := fs.WalkDir(r.fs, strings.TrimPrefix(p, "/"), func(at string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrPermission) {
			r.m.Private = append(r.m.Private, "/"+at)
			return nil
		}
		if err != nil {
			return nil // gone meanwhile, or not there at all
		}
		if r.brought.files["/"+at] {
			return nil
		}
		switch n++; {
		case n > most:
			found = true
		case d.Type() == fs.ModeSymlink:
			found = true
		case d.Type().IsRegular():
			info, err := d.Info()
			found = err == nil && info.Size() > 0
		}
		if found {
			return fs.SkipAll
		}
		return nil
	})
	return found && err == nil
}

// home looks at all that presets name in one home, without following a link in it.
func (r *reader) home(accounts *facts.Accounts, u decl.Account, presets []decl.Preset) {
	h := Home{Account: u, Data: map[string]string{}}
	for _, p := range presets {
		for _, e := range p.Entries {
			if !e.Home {
				continue
			}
			rel := e.Path
			if e.Folder != "" {
				var err error
				if rel, err = accounts.Folder(u, e.Folder); err != nil || rel == "" {
					continue // what the declaration would say of it, it says when the preset is used
				}
			}
			at := path.Join(u.Home, rel)
			o, err := facts.Look(accounts.Homes, at)
			if errors.Is(err, fs.ErrPermission) {
				r.m.Private = append(r.m.Private, u.Home)
			}
			if err == nil && !o.Empty && (o.IsDir() || o.IsFile()) {
				h.Data[e.Path] = rel
			}
		}
	}
	r.m.Homes = append(r.m.Homes, h)
}

// programDirs are where programs lie, on NixOS too.
var programDirs = []string{"usr/bin", "usr/sbin", "usr/libexec", "bin", "sbin", "usr/local/bin", "usr/local/sbin", "run/current-system/sw/bin"}

func (r *reader) programs() {
	for _, d := range programDirs {
		list, err := fs.ReadDir(r.fs, d)
		if err != nil {
			continue // most machines lack some
		}
		for _, e := range list {
			r.m.Programs[e.Name()] = true
		}
	}
}
