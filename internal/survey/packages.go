package survey

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Conffile is a file of configuration that a package brought.
type Conffile struct {
	Path    string `json:"path"`
	Package string `json:"package"`
	sum     string // MD5 of what the package brought, in hexadecimal digits
}

// brought is what packages say of themselves.
type brought struct {
	names     map[string]bool
	conffiles map[string]Conffile
	files     map[string]bool // where state and configuration lie, only
}

// packages reads the databases of dpkg and pacman. That of rpm is no text: there, programs and units tell.
func (r *reader) packages() error {
	r.brought = brought{map[string]bool{}, map[string]Conffile{}, map[string]bool{}}
	if err := r.dpkg(); err != nil {
		return err
	}
	if err := r.pacman(); err != nil {
		return err
	}
	r.m.Packages = slices.Sorted(maps.Keys(r.brought.names))
	return nil
}

// file notes a file of a package, if it is where state or configuration lies.
func (b brought) file(p string) {
	if strings.HasPrefix(p, "/var/") || strings.HasPrefix(p, "/etc/") || strings.HasPrefix(p, "/srv/") {
		b.files[p] = true
	}
}

// dpkg reads /var/lib/dpkg/status, see deb822(5): stanzas of fields, with conffiles as "PATH MD5 [obsolete]".
// The files of each package are in /var/lib/dpkg/info/PACKAGE.list.
func (r *reader) dpkg() error {
	const name = "var/lib/dpkg/status"
	f, err := r.fs.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	pkg, field, installed := "", "", false
	for sc.Scan() {
		line := sc.Text()
		switch key, value, ok := strings.Cut(line, ":"); {
		case line == "":
			pkg, field, installed = "", "", false
		case line[0] == ' ' || line[0] == '\t':
			words := strings.Fields(line)
			if field == "Conffiles" && installed && len(words) == 2 && len(words[1]) == md5.Size*2 {
				r.brought.conffiles[words[0]] = Conffile{Path: words[0], Package: pkg, sum: words[1]}
				r.brought.file(words[0])
			}
		case ok:
			field, value = key, strings.TrimSpace(value)
			switch field {
			case "Package":
				pkg = value
			case "Status":
				if installed = strings.HasSuffix(value, " ok installed"); installed {
					r.brought.names[pkg] = true
				}
			}
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	lists, err := fs.Glob(r.fs, "var/lib/dpkg/info/*.list")
	for _, l := range lists {
		text, err := fs.ReadFile(r.fs, l)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			r.brought.file(strings.TrimSuffix(line, "\n"))
		}
	}
	return err
}

// pacman reads /var/lib/pacman/local: a directory NAME-VERSION-RELEASE per package, with a file "files" that has a section
// %FILES% of paths, and one %BACKUP% of lines "PATH<tab>MD5".
func (r *reader) pacman() error {
	const local = "var/lib/pacman/local"
	list, err := fs.ReadDir(r.fs, local)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range list {
		parts := strings.Split(e.Name(), "-")
		if !e.IsDir() || len(parts) < 3 {
			continue
		}
		pkg := strings.Join(parts[:len(parts)-2], "-")
		r.brought.names[pkg] = true
		text, err := fs.ReadFile(r.fs, path.Join(local, e.Name(), "files"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		files, backup, _ := strings.Cut(string(text), "%BACKUP%\n")
		for line := range strings.Lines(files) {
			r.brought.file("/" + strings.TrimSuffix(line, "\n"))
		}
		for line := range strings.Lines(backup) {
			name, sum, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if !ok {
				break
			}
			if len(sum) == md5.Size*2 {
				r.brought.conffiles["/"+name] = Conffile{Path: "/" + name, Package: pkg, sum: sum}
				r.brought.file("/" + name)
			}
		}
	}
	return nil
}

// changed notes the files of configuration that are not what their packages brought.
func (r *reader) changed() {
	for _, p := range slices.Sorted(maps.Keys(r.brought.conffiles)) {
		if c := r.brought.conffiles[p]; !r.unchanged(c) {
			r.m.Changed = append(r.m.Changed, c)
		}
	}
}

// unchanged reports whether a file is what its package brought, or is not there, or cannot be compared.
func (r *reader) unchanged(c Conffile) bool {
	name := strings.TrimPrefix(c.Path, "/")
	info, err := fs.Stat(r.fs, name)
	if err != nil || !info.Mode().IsRegular() {
		return true
	}
	f, err := r.fs.Open(name)
	if err != nil {
		r.m.Private = append(r.m.Private, c.Path)
		return true
	}
	defer f.Close()
	h := md5.New()
	if _, err := io.Copy(h, f); err != nil {
		return true
	}
	return hex.EncodeToString(h.Sum(nil)) == strings.ToLower(c.sum)
}
