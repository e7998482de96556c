package facts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"anicca/internal/decl"
)

// foldersFile says what the directories of a home are called, below the home; see user-dirs.dirs(5).
const foldersFile = ".config/user-dirs.dirs"

// mostFolders is how long that file may be: its user may write anything there.
const mostFolders = 64 << 10

// Folder implements [decl.Accounts]. Where a home has no user-dirs.dirs, or nothing in it, folders have their English names.
func (a *Accounts) Folder(u decl.Account, name string) (string, error) {
	text, err := a.foldersOf(u)
	if err != nil {
		return "", err
	}
	rel := decl.Folders[name]
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && key == "XDG_"+strings.ToUpper(name)+"_DIR" {
			rel = belowHome(value)
		}
	}
	return rel, nil
}

// foldersOf reads the file of one home. No link is followed: it could lead out of the home, to what is nobody's business.
func (a *Accounts) foldersOf(u decl.Account) (string, error) {
	name := path.Join(u.Home, foldersFile)
	o, err := Look(a.Homes, name)
	switch {
	case err != nil:
		return "", err
	case o.Via != "":
		return "", fmt.Errorf("%s: links are not followed, and %s is one", name, o.Via)
	case !o.Exists:
		return "", nil
	case !o.IsFile():
		return "", fmt.Errorf("%s: is no ordinary file", name)
	}
	f, err := a.Homes.Open(name[1:])
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostFolders+1))
	if len(data) > mostFolders {
		err = fmt.Errorf("%s: is longer than %d bytes", name, mostFolders)
	}
	return string(data), err
}

// belowHome reads a value of user-dirs.dirs as xdg-user-dirs writes it, and returns the path below the home that it means.
// It is empty for the home itself, which stands for "none", and for whatever else it is not safe to go to.
func belowHome(value string) string {
	rest, ok := strings.CutPrefix(value, `"$HOME/`)
	if !ok {
		return ""
	}
	var b strings.Builder
	closed := false
	for i := 0; i < len(rest) && !closed; i++ {
		switch c := rest[i]; {
		case c == '"':
			closed = true
		case c < ' ' || c == 0x7f:
			return ""
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteByte(rest[i])
		default:
			b.WriteByte(c)
		}
	}
	rel := path.Clean(b.String())
	if !closed || !fs.ValidPath(rel) || rel == "." || strings.ContainsFunc(rel, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	return rel
}
