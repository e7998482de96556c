package survey

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// apkDatabases are where apk has its database, by version.
var apkDatabases = []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"}

// apk reads its database; and that of the base, if it is another: it tells of files that are gone.
func (a *asker) apk() error {
	for _, p := range apkDatabases {
		text, err := fs.ReadFile(a.FS, p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		a.installed(string(text), true)
		if a.Base != nil && slices.Contains(a.Paths, "/"+p) {
			text, _ := fs.ReadFile(a.Base, p)
			a.installed(string(text), false)
		}
	}
	return nil
}

// installed reads lines of a letter and a value, see apk-package(5) and apk's src/database.c: P a package, F a directory, R a file in it, and Z its
// sum, which is "Q1" and the SHA-1 in base64. What lies in /etc is configuration.
func (a *asker) installed(text string, now bool) {
	pkg, dir, file := "", "", ""
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		switch key {
		case "P":
			pkg = value
		case "F":
			dir = "/" + value
			a.brings(pkg, []byte(dir))
		case "R":
			file = strings.TrimSuffix(dir, "/") + "/" + value
			a.brings(pkg, []byte(file))
		case "Z":
			sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, "Q1"))
			if now && err == nil && strings.HasPrefix(file, "/etc/") {
				a.configures(file, hex.EncodeToString(sum))
			}
		}
	}
}
