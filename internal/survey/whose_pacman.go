package survey

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

const pacmanLocal = "var/lib/pacman/local"

// pacman reads its database, one directory NAME-VERSION-RELEASE a package. Those that are only in the base are read there.
func (a *asker) pacman() error {
	list, err := fs.ReadDir(a.FS, pacmanLocal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range list {
		if e.IsDir() {
			a.pacmanPackage(a.FS, e.Name(), true)
		}
	}
	if a.Base != nil {
		for _, p := range a.Paths {
			if name, ok := strings.CutPrefix(p, "/"+pacmanLocal+"/"); ok && !strings.Contains(name, "/") {
				a.pacmanPackage(a.Base, name, false)
			}
		}
	}
	return err
}

// pacmanPackage reads "files", with the sections %FILES% of paths and %BACKUP% of "PATH<tab>MD5", and from "desc" the section %REASON%, which
// is 1 for what came along. The directory is passed over if it is not there. What the base had is no measure for configuration.
func (a *asker) pacmanPackage(fsys fs.FS, dir string, now bool) {
	parts := strings.Split(dir, "-")
	text, err := fs.ReadFile(fsys, path.Join(pacmanLocal, dir, "files"))
	if err != nil || len(parts) < 3 {
		return
	}
	pkg := strings.Join(parts[:len(parts)-2], "-")
	files, backup, _ := strings.Cut(string(text), "%BACKUP%\n")
	for line := range strings.Lines(files) {
		if line = strings.TrimRight(line, "/\n"); line != "" && line != "%FILES%" {
			a.brings(pkg, []byte("/"+line))
		}
	}
	for line := range strings.Lines(backup) {
		if name, sum, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok && now {
			a.configures("/"+name, sum)
		}
	}
	desc, _ := fs.ReadFile(fsys, path.Join(pacmanLocal, dir, "desc"))
	if strings.Contains(string(desc), "%REASON%\n1\n") {
		a.w.Helpers[pkg] = true
	}
}
