package survey

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Unit is a unit of systemd that is enabled, or that an enabled one starts.
type Unit struct {
	Name          string
	By            string   // the socket, timer or path that starts it, if it is not enabled itself
	State         []string // directories of StateDirectory=, as absolute paths
	Cache, Logs   []string // those of CacheDirectory= and LogsDirectory=
	Configuration []Configuration
}

// Configuration is a directory of ConfigurationDirectory=.
type Configuration struct {
	Path string
	Own  string // a file in it that no package brought; empty if there is none
}

// unitDirs are where units lie, those that win first; see systemd.unit(5).
var unitDirs = []string{"etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"}

// units returns the units that are enabled: wanted by another unit, or known under another name.
func (r *reader) units() ([]Unit, error) {
	by := map[string]string{}
	masked := map[string]bool{}
	for _, dir := range unitDirs {
		list, err := fs.ReadDir(r.fs, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			switch path.Ext(e.Name()) {
			case ".wants", ".requires", ".upholds":
				wanted, err := fs.ReadDir(r.fs, path.Join(dir, e.Name()))
				if err != nil {
					continue // a link to nowhere
				}
				for _, w := range wanted {
					by[w.Name()] = ""
				}
			default:
				if dir != unitDirs[0] || e.Type() != fs.ModeSymlink {
					continue
				}
				if to, err := fs.ReadLink(r.fs, path.Join(dir, e.Name())); err == nil && to == "/dev/null" {
					masked[e.Name()] = true
				} else if err == nil && path.Ext(to) == path.Ext(e.Name()) {
					by[path.Base(to)] = ""
				}
			}
		}
	}
	settings := map[string]settings{}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		s := r.unit(name)
		settings[name] = s
		started := ""
		switch path.Ext(name) {
		case ".socket":
			started = s.last("Service", strings.TrimSuffix(name, ".socket")+".service")
		case ".timer", ".path":
			started = s.last("Unit", strings.TrimSuffix(name, path.Ext(name))+".service")
		}
		if _, ok := by[started]; started != "" && !ok {
			by[started], settings[started] = name, r.unit(started)
		}
	}
	var out []Unit
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if masked[name] {
			continue
		}
		s := settings[name]
		u := Unit{Name: name, By: by[name]}
		private := ""
		if b := s.last("DynamicUser", "no"); b == "yes" || b == "true" || b == "1" || b == "on" {
			private = "private"
		}
		below := func(top, key string) (out []string) {
			for _, d := range s[key] {
				out = append(out, path.Join(top, private, d))
			}
			return out
		}
		u.State, u.Cache, u.Logs = below("/var/lib", "StateDirectory"), below("/var/cache", "CacheDirectory"), below("/var/log", "LogsDirectory")
		for _, d := range s["ConfigurationDirectory"] {
			u.Configuration = append(u.Configuration, Configuration{Path: path.Join("/etc", d)})
		}
		out = append(out, u)
	}
	return out, nil
}
