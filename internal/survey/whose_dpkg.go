package survey

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"
)

const dpkgInfo = "var/lib/dpkg/info"

// diversion is where dpkg puts what others than one package name by a path.
type diversion struct{ to, by string }

// dpkg reads the lists of files of packages, /var/lib/dpkg/info/PACKAGE[:ARCHITECTURE].list. Those that are another in the base,
// or are only there, are read there too: they tell of files that are gone.
func (a *asker) dpkg() error {
	list, err := fs.ReadDir(a.FS, dpkgInfo)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.diversions(); err != nil {
		return err
	}
	for _, e := range list {
		if path.Ext(e.Name()) == ".list" {
			a.list(a.FS, e.Name())
		}
	}
	if a.Base != nil {
		for _, p := range a.Paths {
			if name, ok := strings.CutPrefix(p, "/"+dpkgInfo+"/"); ok && path.Ext(name) == ".list" {
				a.list(a.Base, name)
			}
		}
	}
	if err := a.status(); err != nil {
		return err
	}
	return a.helpers()
}

// list reads one list. One that is not there any more is passed over.
func (a *asker) list(fsys fs.FS, name string) {
	text, _ := fs.ReadFile(fsys, path.Join(dpkgInfo, name))
	pkg, _, _ := strings.Cut(strings.TrimSuffix(name, ".list"), ":")
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		if len(line) < 2 {
			continue
		}
		if len(a.diverts) > 0 {
			if d, ok := a.diverts[string(line)]; ok && d.by != pkg {
				line = []byte(d.to)
			}
		}
		a.brings(pkg, line)
	}
}

// diversions reads /var/lib/dpkg/diversions, see dpkg-divert(1): three lines each, with the path, where it goes, and the package whose own
// file stays there. It is ":" for what the administrator has diverted.
func (a *asker) diversions() error {
	text, err := fs.ReadFile(a.FS, "var/lib/dpkg/diversions")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lines := strings.Split(string(text), "\n")
	a.diverts = map[string]diversion{}
	for ; len(lines) > 2; lines = lines[3:] {
		a.diverts[lines[0]] = diversion{lines[1], lines[2]}
	}
	return err
}

// status reads the files of configuration from /var/lib/dpkg/status, of packages that are installed.
func (a *asker) status() error {
	text, err := fs.ReadFile(a.FS, "var/lib/dpkg/status")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	conffiles, installed := false, false
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		switch {
		case len(line) == 0:
			conffiles, installed = false, false
		case line[0] == ' ':
			if conffiles && installed {
				if words := bytes.Fields(line); len(words) == 2 { // a third says that the package has it no more
					a.configures(string(words[0]), string(words[1]))
				}
			}
		default:
			conffiles = string(line) == "Conffiles:"
			if status, ok := bytes.CutPrefix(line, []byte("Status: ")); ok {
				installed = bytes.HasSuffix(status, []byte(" ok installed"))
			}
		}
	}
	return nil
}

// helpers reads which packages apt has installed because others need them: /var/lib/apt/extended_states, in stanzas.
func (a *asker) helpers() error {
	text, err := fs.ReadFile(a.FS, "var/lib/apt/extended_states")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	pkg := ""
	for line := range strings.Lines(string(text)) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); {
		case key == "Package":
			pkg = value
		case key == "Auto-Installed" && value == "1":
			a.w.Helpers[pkg] = true
		}
	}
	return err
}
