package survey

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// settings of a unit are the words of those that matter here.
type settings map[string][]string

func (s settings) last(key, def string) string {
	if l := s[key]; len(l) > 0 {
		return l[len(l)-1]
	}
	return def
}

// unit reads a unit and what is dropped into it. A unit that is not there has no settings.
func (r *reader) unit(name string) settings {
	s := settings{}
	names := []string{name}
	if stem, instance, ok := strings.Cut(strings.TrimSuffix(name, path.Ext(name)), "@"); ok && instance != "" {
		names = append(names, stem+"@"+path.Ext(name))
	}
	for _, dir := range unitDirs {
		if i := slices.IndexFunc(names, func(n string) bool { return s.read(r.fs, path.Join(dir, n), name) }); i >= 0 {
			break
		}
	}
	drops := map[string]string{} // by file name: one of the same name in a directory that wins takes its place
	for _, dir := range slices.Backward(unitDirs) {
		for _, n := range slices.Backward(names) {
			list, _ := fs.ReadDir(r.fs, path.Join(dir, n+".d"))
			for _, e := range list {
				if path.Ext(e.Name()) == ".conf" {
					drops[e.Name()] = path.Join(dir, n+".d", e.Name())
				}
			}
		}
	}
	for _, f := range slices.Sorted(maps.Keys(drops)) {
		s.read(r.fs, drops[f], name)
	}
	return s
}

// read adds the settings of one file, see systemd.syntax(7). It reports whether the file is there.
func (s settings) read(fsys fs.FS, file, unit string) bool {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || key == "" || strings.ContainsAny(key[:1], "#;[") {
			continue
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch key {
		case "StateDirectory", "ConfigurationDirectory", "CacheDirectory", "LogsDirectory":
			if value == "" {
				delete(s, key)
			}
			for _, w := range strings.Fields(value) {
				w, _, _ = strings.Cut(w, ":") // what follows is a link to it
				if d, ok := expand(strings.Trim(w, `"'`), unit); ok && fs.ValidPath(d) && d != "." {
					s[key] = append(s[key], d)
				}
			}
		case "DynamicUser", "Service", "Unit":
			s[key] = append(s[key], value)
		}
	}
	return true
}

// expand replaces the specifiers of systemd.unit(5) that are names of the unit. It is not ok with others.
func expand(s, unit string) (string, bool) {
	stem := strings.TrimSuffix(unit, path.Ext(unit))
	prefix, instance, _ := strings.Cut(stem, "@")
	s = strings.NewReplacer("%n", unit, "%N", stem, "%p", prefix, "%i", instance).Replace(s)
	return s, !strings.Contains(s, "%")
}
