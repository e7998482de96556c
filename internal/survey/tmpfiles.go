package survey

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Made is a directory that systemd-tmpfiles makes, and from which it removes nothing.
type Made struct {
	Path string
	By   string // the file that says so, as an absolute path
}

// tmpfilesDirs are where those files lie, those that win first; see tmpfiles.d(5).
var tmpfilesDirs = []string{"etc/tmpfiles.d", "usr/local/lib/tmpfiles.d", "usr/lib/tmpfiles.d"}

func (r *reader) tmpfiles() ([]Made, error) {
	files := map[string]string{} // by name: one in a directory that wins takes the place of others
	for _, dir := range slices.Backward(tmpfilesDirs) {
		list, err := fs.ReadDir(r.fs, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range list {
			if path.Ext(e.Name()) == ".conf" {
				files[e.Name()] = path.Join(dir, e.Name())
			}
		}
	}
	made := map[string]Made{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if to, err := fs.ReadLink(r.fs, files[name]); err == nil && to == "/dev/null" {
			continue // masked
		}
		text, err := fs.ReadFile(r.fs, files[name])
		if err != nil {
			continue // a link to nowhere
		}
		for line := range strings.Lines(string(text)) {
			if p, ok := madeBy(line); ok {
				if _, twice := made[p]; !twice {
					made[p] = Made{Path: p, By: "/" + files[name]}
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(made), func(a, b Made) int { return strings.Compare(a.Path, b.Path) }), nil
}

// madeBy reads a line "TYPE PATH MODE USER GROUP AGE ARGUMENT" and returns the directory that it makes for good.
// What has an age is cleaned, and what D makes is emptied at every boot.
func madeBy(line string) (string, bool) {
	f := strings.Fields(line)
	if len(f) < 2 || strings.HasPrefix(f[0], "#") || !strings.ContainsAny(f[0][:1], "dvqQ") {
		return "", false
	}
	if len(f) > 5 && f[5] != "-" {
		return "", false
	}
	p := strings.NewReplacer("%S", "/var/lib", "%C", "/var/cache", "%L", "/var/log", "%t", "/run").Replace(strings.Trim(f[1], `"'`))
	if strings.Contains(p, "%") || !path.IsAbs(p) {
		return "", false
	}
	return path.Clean(p), true
}
