package facts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/moby/sys/user"

	"anicca/internal/decl"
)

// Accounts are the users and groups of a machine's /etc/passwd and /etc/group. It is a [decl.Accounts].
type Accounts struct {
	// Homes is the machine's root, as files of users are read from it: it must not follow links.
	Homes fs.FS

	users  []decl.Account
	byName map[string]decl.Account
	groups map[string]int
	inside map[string][]string // names of users, by that of a group
}

// ReadAccounts reads the account files below a machine's root. Missing files are empty ones.
func ReadAccounts(fsys fs.FS) (*Accounts, error) {
	a := &Accounts{Homes: fsys, byName: map[string]decl.Account{}, groups: map[string]int{}, inside: map[string][]string{}}
	err := lines(fsys, "etc/passwd", func(r io.Reader) error {
		users, err := user.ParsePasswd(r)
		for _, u := range users {
			acc := decl.Account{Name: u.Name, UID: u.Uid, GID: u.Gid, Home: path.Clean(u.Home)}
			if _, twice := a.byName[u.Name]; u.Name == "" || twice {
				continue
			}
			a.users = append(a.users, acc)
			a.byName[u.Name] = acc
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = lines(fsys, "etc/group", func(r io.Reader) error {
		groups, err := user.ParseGroup(r)
		for _, g := range groups {
			if _, twice := a.groups[g.Name]; g.Name == "" || twice {
				continue
			}
			a.groups[g.Name] = g.Gid
			a.inside[g.Name] = g.List
		}
		return err
	})
	return a, err
}

func lines(fsys fs.FS, name string, parse func(io.Reader) error) error {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := parse(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// User implements [decl.Accounts].
func (a *Accounts) User(name string) (decl.Account, bool) {
	u, ok := a.byName[name]
	return u, ok
}

// Group implements [decl.Accounts].
func (a *Accounts) Group(name string) (int, bool) {
	gid, ok := a.groups[name]
	return gid, ok
}

// In reports whether a user is in one of some groups.
func (a *Accounts) In(u decl.Account, groups ...string) bool {
	return slices.ContainsFunc(groups, func(name string) bool {
		gid, ok := a.groups[name]
		return ok && (gid == u.GID || slices.Contains(a.inside[name], u.Name))
	})
}

// Users implements [decl.Accounts].
func (a *Accounts) Users() []decl.Account { return a.users }
