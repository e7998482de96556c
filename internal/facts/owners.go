package facts

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"

	"anicca/internal/decl"
)

// Moved is an account that owns kept data by a number that is not its own now.
type Moved struct {
	decl.Moved
	Store string
	Path  string // something in the store that belongs to the number
}

// owners compares the accounts with those that the data of each store was given to. What is in a store is only looked at if there
// are differences.
func (f *Facts) owners(fsys, objects fs.FS, host *decl.Host) error {
	var text [2]string
	for i, p := range []string{"etc/passwd", "etc/group"} {
		data, err := fs.ReadFile(fsys, p)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		text[i] = string(data)
	}
	now := decl.ParseIDs(text[0], text[1])
	for _, s := range host.Stores {
		if _, mounted := f.Mounts.At(s.Path); !mounted {
			continue
		}
		p := path.Join(s.Path, decl.IDsFile)
		data, err := fs.ReadFile(objects, p[1:])
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var was *decl.IDs
		if err == nil {
			was, err = decl.DecodeIDs(data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if was.Moving != nil {
			f.Moving = append(f.Moving, s.Path)
		}
		if moved := was.Moved(now); len(moved) > 0 {
			if err := f.owned(objects, s.Path, moved); err != nil {
				return err
			}
		}
	}
	return nil
}

// owned notes the accounts by whose old number anything in the store is owned.
func (f *Facts) owned(objects fs.FS, store string, moved []decl.Moved) error {
	found := make([]string, len(moved))
	left := len(moved)
	err := fs.WalkDir(objects, store[1:], func(p string, _ fs.DirEntry, err error) error {
		at := "/" + p
		if _, mounted := f.Mounts.At(at); mounted && at != store {
			return fs.SkipDir
		}
		var info fs.FileInfo
		if err == nil {
			info, err = fs.Lstat(objects, p) // the directory that it was listed in is closed
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		for i, m := range moved {
			if ok && found[i] == "" && m.Owns(int(st.Uid), int(st.Gid)) {
				found[i] = at
				left--
			}
		}
		if left == 0 {
			return fs.SkipAll
		}
		return nil
	})
	for i, m := range moved {
		if found[i] != "" {
			f.Moved = append(f.Moved, Moved{m, store, found[i]})
		}
	}
	return err
}
