package zfstest

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// named returns the filesystem of a name, or the one that is mounted at an absolute path.
func (p *Pool) named(name string) (*set, error) {
	if strings.HasPrefix(name, "/") {
		if s := p.paths[name]; s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("'%s': not a ZFS filesystem", name)
	}
	if s := p.sets[name]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("cannot open '%s': dataset does not exist", name)
}

func (p *Pool) list(args []string) (string, error) {
	o, flags, rest, err := options(args, "odt")
	if err != nil || len(o) != 1 || !has(flags, "-Hp") || len(rest) != 1 {
		return "", errors.Join(err, errors.New("usage"))
	}
	s, err := p.named(rest[0])
	if err != nil {
		return "", err
	}
	var out strings.Builder
	switch {
	case flags["-t"] == "snapshot" && flags["-d"] == "1" && o[0] == "name":
		for _, x := range s.snaps {
			fmt.Fprintln(&out, x.full())
		}
		return out.String(), nil
	case has(flags, "-t") && flags["-t"] != "filesystem,volume", has(flags, "-d") && flags["-d"] != "1":
		return "", errors.New("usage")
	}
	for _, x := range p.within(s.name) {
		if x != s && (!has(flags, "-d") && !has(flags, "-r") || has(flags, "-d") && path.Dir(x.name) != s.name) {
			continue
		}
		var row []string
		for f := range strings.SplitSeq(o[0], ",") {
			row = append(row, p.column(x, f))
		}
		fmt.Fprintln(&out, strings.Join(row, "\t"))
	}
	return out.String(), nil
}

// column is a property as list and get print it.
func (p *Pool) column(s *set, name string) string {
	switch name {
	case "name":
		return s.name
	case "guid":
		return s.guid
	case "origin":
		if s.origin != nil {
			return s.origin.full()
		}
		return "-"
	case "encryptionroot":
		if k := p.key(s); k != nil {
			return k.name
		}
		return "-"
	case "mounted":
		for _, m := range p.paths {
			if m == s {
				return "yes"
			}
		}
		return "no"
	}
	v, _ := p.value(s, name)
	return v
}

func (p *Pool) get(args []string) (string, error) {
	o, flags, rest, err := options(args, "odt")
	if err == nil && len(rest) > 2 && len(flags) == 2 && slices.Equal(o, []string{"name,value"}) {
		return p.getMany(rest[0], rest[1:])
	}
	if err != nil || len(o) != 1 || !has(flags, "-Hp") || len(rest) != 2 {
		return "", errors.Join(err, errors.New("usage"))
	}
	want, name := rest[0], rest[1]
	if strings.Contains(name, "@") {
		x, err := p.find(name)
		if err != nil {
			return "", err
		}
		if want != "guid" || o[0] != "value" {
			return "", errors.New("usage")
		}
		return x.guid + "\n", nil
	}
	s, err := p.named(name)
	if err != nil {
		return "", err
	}
	switch {
	case want == "clones" && o[0] == "value" && flags["-t"] == "snapshot" && flags["-d"] == "1":
		var out strings.Builder
		for _, x := range s.snaps {
			list := strings.Join(p.clones(x), ",")
			if list == "" {
				list = "-"
			}
			fmt.Fprintln(&out, list)
		}
		return out.String(), nil
	case len(flags) != 2: // -Hp and -o
		return "", errors.New("usage")
	case want == "all" && o[0] == "property,value,source":
		return p.all(s), nil
	case o[0] == "value" && want != "all":
		return p.column(s, want) + "\n", nil
	}
	return "", errors.New("usage")
}

// getMany answers in the order of the names, not in that of the question.
func (p *Pool) getMany(want string, names []string) (string, error) {
	out := ""
	for _, n := range slices.Sorted(slices.Values(names)) {
		s, err := p.named(n)
		if err != nil {
			return "", err
		}
		out += s.name + "\t" + p.column(s, want) + "\n"
	}
	return out, nil
}

// all is 'zfs get all', shortened.
func (p *Pool) all(s *set) string {
	names := map[string]bool{"mountpoint": true, "canmount": true, "readonly": true, "reservation": true, "keylocation": true}
	for n := range s.local {
		names[n] = true
	}
	out := fmt.Sprintf("type\tfilesystem\t-\nguid\t%s\t-\norigin\t%s\t-\n", s.guid, p.column(s, "origin"))
	for _, n := range slices.Sorted(maps.Keys(names)) {
		v, source := p.value(s, n)
		out += fmt.Sprintf("%s\t%s\t%s\n", n, v, source)
	}
	return out
}
