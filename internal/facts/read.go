package facts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"anicca/internal/decl"
)

// Source is where [Read] reads a machine from.
type Source struct {
	FS        fs.FS     // its root
	Objects   fs.FS     // the same root, which follows no link: what lies at entries, where others may be at work; nil for FS
	Prefix    string    // where its root is mounted, if not at /
	Mountinfo io.Reader // its mount table; nil for proc/self/mountinfo below FS
	Mounts    Mounts    // the same, if it has been read already
	Root      string    // identity of the running root; empty if it is not known
	Base      fs.FS     // root of the newest base; nil if it cannot be read
}

// Read looks at everything that a plan for the host needs to know. It changes nothing.
func Read(src Source, host *decl.Host) (*Facts, error) {
	f, err := read(src, host)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: kept state is private to root: run it as root", err)
	}
	return f, err
}

func read(src Source, host *decl.Host) (*Facts, error) {
	f := &Facts{Root: src.Root}
	n := 0
	for _, s := range host.Stores {
		n += 3 + len(s.Entries)
	}
	f.Objects = make(map[string]Object, 2*n)
	objects := sight{fs: src.Objects, linkless: true}
	if src.Objects == nil {
		objects = sight{fs: src.FS}
	}
	var err error
	if f.Mounts, err = src.mounts(); err != nil {
		return nil, err
	}
	if f.Fstab, err = ReadFstab(src.FS); err != nil {
		return nil, err
	}
	if f.Accounts, err = ReadAccounts(src.FS); err != nil {
		return nil, err
	}
	if src.Base != nil {
		if f.BaseLogins, err = ReadLogins(src.Base); err != nil {
			return nil, fmt.Errorf("the base: %w", err)
		}
		if f.Logins, err = ReadLogins(objects.fs); err != nil {
			return nil, err
		}
	}
	// Only whether anicca was set up: see package plan.
	if f.Objects[decl.LedgerFile], err = objects.object(decl.LedgerFile); err != nil {
		return nil, err
	}
	if len(host.Stores) > 1 {
		f.Records = records(src.FS)
	}
	main := ""
	for _, s := range host.Stores {
		for _, p := range []string{s.Path, path.Join(s.Path, decl.StateDir), path.Join(s.Path, decl.StateDir, "current")} {
			if f.Objects[p], err = objects.object(p); err != nil {
				return nil, err
			}
		}
	}
	if s, ok := f.MainStore(host); ok {
		main = s.Path
	}
	mounts := f.Mounts.Index()
	for _, s := range host.Stores {
		for _, e := range s.Entries {
			if err := f.entry(objects, mounts, e, main); err != nil {
				return nil, err
			}
		}
	}
	if err := f.owners(src.FS, objects.fs, host); err != nil {
		return nil, err
	}
	if s, ok := f.MainStore(host); ok {
		f.Boot, err = fs.ReadFile(src.FS, path.Join(s.Path, decl.StateDir, "current/boot.json")[1:])
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return f, err
}

// records returns the path of the store that this boot has found anicca's own records in, empty if that is not known. It is in the record
// of the boot.
func records(fsys fs.FS) string {
	var r struct {
		Store string `json:"store"`
	}
	if data, err := fs.ReadFile(fsys, "run/anicca/boot.json"); err != nil || json.Unmarshal(data, &r) != nil {
		return ""
	}
	return r.Store
}

func (src Source) mounts() (Mounts, error) {
	if src.Mounts != nil {
		return src.Mounts, nil
	}
	table := src.Mountinfo
	if table == nil {
		file, err := src.FS.Open("proc/self/mountinfo")
		if err != nil {
			return nil, err
		}
		defer file.Close()
		table = file
	}
	return ReadMounts(table, src.Prefix)
}

// entry looks at both sides of an entry, and compares them where that decides whether data would be lost.
// Somebody may be at work there, and the owner of a home can see to it that nothing there can be read at all:
// that is a fact about this entry, and no reason to know nothing of the others.
func (f *Facts) entry(at sight, mounts Table, e decl.Entry, main string) error {
	source := e.Source()
	shown := mounts.Shows(source, e.Path)
	at.brief = true
	look := func(p string) (Object, error) {
		o, err := at.object(p)
		if err == nil || errors.Is(err, fs.ErrPermission) && e.Home == "" {
			return o, err
		}
		return Object{Err: err.Error()}, nil
	}
	there, err := look(e.Path)
	if err != nil {
		return err
	}
	kept, err := look(source)
	if err != nil {
		return err
	}
	if there.Exists && !shown { // else it is simply covered, or covered already
		if err = at.fill(&there, e.Path); err == nil {
			err = at.fill(&kept, source)
		}
		if errors.Is(err, fs.ErrPermission) && e.Home == "" {
			return err
		}
		if err != nil {
			there.Err = err.Error()
		}
	}
	if there.Exists && kept.Exists && there.Type == kept.Type && !shown {
		switch {
		case there.Err != "":
		case there.Empty || kept.Empty:
			there.Same = there.Empty && kept.Empty
		case there.IsDir() || there.IsFile():
			there.Same, err = same(at.fs, e.Path[1:], source[1:])
			if errors.Is(err, fs.ErrPermission) && e.Home == "" {
				return err
			}
			if err != nil {
				there.Err = err.Error()
			}
		}
	}
	if e.Method == decl.Carry && main != "" && f.Root != "" {
		if there.Placed, err = placed(at, e.Path, there, decl.PlacedFile(main, f.Root, e.Path)); err != nil {
			there.Err = err.Error()
		}
	}
	if e.Kind == decl.Directory && e.Method == decl.Symlink && e.Home != "" { // whether the user can follow the link
		for up := path.Dir(source); up != "/"; up = path.Dir(up) {
			if f.Objects[up], err = look(up); err != nil {
				return err
			}
		}
	}
	f.Objects[e.Path], f.Objects[source] = there, kept
	return nil
}

// placed compares a carried file with what was placed at its path, which lies at p.
func placed(look sight, at string, there Object, p string) (string, error) {
	was, err := look.object(p)
	if err != nil || !was.Exists {
		return PlacedUnknown, err
	}
	if !there.Exists || there.Type != was.Type {
		return PlacedChanged, nil
	}
	eq, err := same(look.fs, at[1:], p[1:])
	if eq {
		return PlacedSame, err
	}
	return PlacedChanged, err
}
