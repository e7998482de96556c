package facts

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/moby/sys/user"
)

// Logins are the ways into a machine that its files show. There may be others, such as a directory service.
type Logins struct {
	Homes     map[string]string // by the name of each user with a shell
	Passwords map[string]bool   // users whose password is one, or empty
	Keys      map[string]bool   // homes with ssh keys that may come in
}

// KeyFile is where OpenSSH finds the keys that may log in to a home's account, see sshd(8).
const KeyFile = ".ssh/authorized_keys"

// ReadLogins reads the ways into the machine with the given root. Formats: passwd(5), shadow(5).
func ReadLogins(fsys fs.FS) (*Logins, error) {
	l := &Logins{Homes: map[string]string{}, Passwords: map[string]bool{}, Keys: map[string]bool{}}
	err := lines(fsys, "etc/passwd", func(r io.Reader) error {
		users, err := user.ParsePasswd(r)
		for _, u := range users {
			switch path.Base(u.Shell) {
			case "nologin", "false", "sync":
				continue
			}
			if _, twice := l.Homes[u.Name]; !twice {
				l.Homes[u.Name] = path.Clean(u.Home)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	shadow, err := fs.ReadFile(fsys, "etc/shadow")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(shadow)) {
		if f := strings.Split(line, ":"); len(f) > 1 && !strings.HasPrefix(f[1], "!") && !strings.HasPrefix(f[1], "*") {
			l.Passwords[f[0]] = true
		}
	}
	for _, home := range l.Homes {
		if info, err := fs.Stat(fsys, path.Join(home, KeyFile)[1:]); err == nil && info.Size() > 0 {
			l.Keys[home] = true
		}
	}
	return l, nil
}
