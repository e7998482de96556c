package review

import (
	"path"
	"slices"
	"strings"
)

// Writer is the program that something is of.
type Writer struct {
	Kind WriterKind `json:"kind"`
	Name string     `json:"name"`
}

// WriterKind is what tells so.
type WriterKind string

// The kinds of writers.
const (
	Package  WriterKind = "package"  // it brought the path, or a directory above it that is no other package's
	Unit     WriterKind = "unit"     // of systemd, which makes the directory for it
	Tmpfiles WriterKind = "tmpfiles" // a file of tmpfiles.d, which says to make the directory
	Preset   WriterKind = "preset"   // it knows whose that is
	Manager  WriterKind = "manager"  // of packages: these are its own records
)

// Origins are what a machine says of who writes what. The zero value says nothing.
type Origins struct {
	Packages map[string][]string // by path: those that have it now, or had it in the base, sorted
	Pristine map[string]int      // by path: how many files of configuration, there or below, are as packages brought them
	Helpers  map[string]bool     // packages that came along with others
	Units    map[string]string   // by directory
	Made     map[string]string   // by directory: the file of tmpfiles.d
	Users    map[uint32]string   // names by number
}

// records are what managers of packages write down themselves, with the name of the manager.
var records = []struct{ dir, manager string }{
	{"/var/lib/dpkg", "dpkg"},
	{"/var/log/dpkg.log", "dpkg"},
	{"/var/log/alternatives.log", "dpkg"},
	{"/etc/alternatives", "dpkg"},
	{"/var/lib/systemd/deb-systemd-helper-enabled", "dpkg"},
	{"/var/lib/systemd/deb-systemd-helper-masked", "dpkg"},
	{"/var/lib/systemd/deb-systemd-user-helper-enabled", "dpkg"},
	{"/var/lib/ucf", "dpkg"},
	{"/var/cache/debconf", "dpkg"},
	{"/var/lib/apt", "apt"},
	{"/var/cache/apt", "apt"},
	{"/var/log/apt", "apt"},
	{"/var/lib/pacman", "pacman"},
	{"/var/cache/pacman", "pacman"},
	{"/var/log/pacman.log", "pacman"},
	{"/lib/apk", "apk"},
	{"/usr/lib/apk", "apk"},
	{"/var/cache/apk", "apk"},
	{"/var/lib/rpm", "rpm"},
	{"/usr/lib/sysimage/rpm", "rpm"},
	{"/usr/lib/sysimage/libdnf5", "dnf"},
	{"/var/lib/dnf", "dnf"},
	{"/var/cache/dnf", "dnf"},
	{"/var/cache/libdnf5", "dnf"},
	{"/var/log/dnf", "dnf"}, // and dnf.log, dnf5.log and so on
	{"/var/lib/zypp", "zypper"},
	{"/var/cache/zypp", "zypper"},
	{"/var/log/zypp", "zypper"},
}

// manager returns whose record a path is, "" if it is none.
func manager(p string) string {
	for _, r := range records {
		if rest, ok := strings.CutPrefix(p, r.dir); ok && (rest == "" || rest[0] == '/' || r.dir == "/var/log/dnf") {
			return r.manager
		}
	}
	return ""
}

// recorded returns the package whose entry in a database a path is, "" if it is none: /var/lib/dpkg/info/NAME[:ARCHITECTURE].WHAT,
// /var/lib/pacman/local/NAME-VERSION-RELEASE.
func recorded(p string) string {
	if name, ok := strings.CutPrefix(p, "/var/lib/dpkg/info/"); ok {
		name, _, _ = strings.Cut(strings.TrimSuffix(name, path.Ext(name)), ":")
		return name
	}
	if rest, ok := strings.CutPrefix(p, "/var/lib/pacman/local/"); ok {
		dir, _, _ := strings.Cut(rest, "/")
		if parts := strings.Split(dir, "-"); len(parts) > 2 {
			return strings.Join(parts[:len(parts)-2], "-")
		}
	}
	return ""
}

// packed tells which changes came with a package that was installed, upgraded or removed since the base was made.
type packed struct {
	o       Origins
	changed map[string]bool // packages
}

func (s *Scale) packed(all []Change) packed {
	p := packed{s.origins, map[string]bool{}}
	for _, c := range all {
		if n := recorded(c.Path); n != "" {
			p.changed[n] = true
		} else if l := p.o.Packages[c.Path]; len(l) == 1 && s.Weigh(c.Path).Worth == Software {
			p.changed[l[0]] = true
		}
	}
	return p
}

// of returns the package that a change came with, "" if it is somebody's own: data, or configuration that is not as a package brought it.
func (p packed) of(c Change, w Worth) string {
	if n := recorded(c.Path); n != "" {
		return n
	}
	list := p.o.Packages[c.Path]
	i := slices.IndexFunc(list, func(n string) bool { return p.changed[n] })
	switch {
	case i < 0:
		return ""
	case w == Software && (c.Kind != Directory || c.What != Modified || len(list) == 1):
		return list[i]
	case c.What == Deleted, c.What == Added && (c.Kind == Link || c.Kind == Directory && c.Files == 0), p.o.Pristine[c.Path] == c.Files && c.Files > 0:
		return list[i]
	}
	return ""
}

// writer returns who writes at a path, as far as it is known. What lies in a directory is its owner's, unless that holds the matters of many.
func (s *Scale) writer(p string, f Finding) *Writer {
	o := s.origins
	for up := p; !s.shared(up); up = path.Dir(up) {
		if l := o.Packages[up]; len(l) == 1 && up == p {
			return &Writer{Package, l[0]}
		}
		if n := o.Units[up]; n != "" {
			return &Writer{Unit, n}
		}
		if l := o.Packages[up]; len(l) == 1 && f.Worth != Software {
			return &Writer{Package, l[0]}
		}
		if n := o.Made[up]; n != "" {
			return &Writer{Tmpfiles, n}
		}
	}
	if f.Preset != "" {
		return &Writer{Preset, f.Preset}
	}
	return nil
}
