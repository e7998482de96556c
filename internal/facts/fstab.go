package facts

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"anicca/internal/decl"
)

// FstabLine is one line of /etc/fstab, see fstab(5).
type FstabLine struct {
	Device  string // such as UUID=…
	Target  string
	FSType  string
	Options []string
}

// Fstab is what a machine mounts by itself.
type Fstab []FstabLine

// ReadFstab reads /etc/fstab below a machine's root. A missing file is an empty one.
func ReadFstab(fsys fs.FS) (Fstab, error) {
	data, err := fs.ReadFile(fsys, "etc/fstab")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out Fstab
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 3 || strings.HasPrefix(f[0], "#") {
			continue
		}
		l := FstabLine{Device: unescape(f[0]), Target: path.Clean(unescape(f[1])), FSType: f[2]}
		if len(f) > 3 {
			l.Options = strings.Split(f[3], ",")
		}
		out = append(out, l)
	}
	return out, nil
}

// unescape reads the octal escapes that fstab(5) has for blanks.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// At returns the line that mounts something at p.
func (f Fstab) At(p string) (FstabLine, bool) {
	for _, l := range f {
		if l.Target == p {
			return l, true
		}
	}
	return FstabLine{}, false
}

// MainStore returns the declared store that holds anicca's own records, or the first, where none does yet.
func (f *Facts) MainStore(host *decl.Host) (decl.Store, bool) {
	for _, s := range host.Stores {
		if s.Path == f.Records { // it may not be there now, and another one would be taken for it for good
			return s, true
		}
	}
	for _, mark := range []string{decl.StateDir + "/current", decl.StateDir} { // from the first apply on, and from init on
		for _, s := range host.Stores {
			if f.Objects[path.Join(s.Path, mark)].Exists {
				return s, true
			}
		}
	}
	if len(host.Stores) == 0 {
		return decl.Store{}, false
	}
	return host.Stores[0], true
}
