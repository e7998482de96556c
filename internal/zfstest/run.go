package zfstest

import (
	"errors"
	"fmt"
	"strings"

	"anicca/internal/sys"
)

// Run is one command. Its error is what the program would have printed.
func (p *Pool) Run(name string, args ...string) (string, error) {
	line := name + " " + strings.Join(args, " ")
	p.Log = append(p.Log, line)
	if sys.Fault != nil {
		if err := sys.Fault("run", line); err != nil {
			return "", err
		}
	}
	verb, rest := "", []string(nil)
	if len(args) > 0 {
		verb, rest = args[0], args[1:]
	}
	do := map[string]func([]string) (string, error){
		"zfs create": p.create, "zfs clone": p.clone, "zfs snapshot": p.snapshot, "zfs rename": p.rename, "zfs promote": p.promote,
		"zfs destroy": p.destroy, "zfs set": p.set, "zfs get": p.get, "zfs list": p.list,
		"zpool get": p.poolGet, "zpool set": p.poolSet, "zpool list": p.poolList,
	}[name+" "+verb]
	if do == nil {
		return "", fmt.Errorf("%s: the simulation does not know this command", line)
	}
	out, err := do(rest)
	if err != nil {
		return err.Error() + "\n", fmt.Errorf("%s: exit status 1\n\t%w", line, err)
	}
	return out, nil
}

// options splits arguments into those behind -o, other flags, and operands.
func options(args []string, valued string) (o []string, flags map[string]string, rest []string, err error) {
	flags = map[string]string{}
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case !strings.HasPrefix(a, "-"):
			return o, flags, args[i:], nil
		case len(a) == 2 && strings.Contains(valued, a[1:]):
			if i++; i == len(args) {
				return nil, nil, nil, fmt.Errorf("missing argument for '%s' option", a[1:])
			}
			if a == "-o" {
				o = append(o, args[i])
			}
			flags[a] = args[i]
		default:
			flags[a] = ""
		}
	}
	return o, flags, nil, nil
}

// properties reads name=value as create, clone and set take them.
func properties(list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, o := range list {
		name, value, ok := strings.Cut(o, "=")
		switch {
		case !ok:
			return nil, fmt.Errorf("missing '=' for property=value argument")
		case name == "keylocation" && value != "none":
			return nil, errors.New("keylocation must be 'none' for unencrypted datasets")
		case name == "guid" || name == "origin" || name == "mounted" || name == "used":
			return nil, fmt.Errorf("'%s' is readonly", name)
		}
		if value == "none" && strings.HasSuffix(name, "reservation") {
			value = "0"
		}
		out[name] = value
	}
	return out, nil
}

func (p *Pool) poolGet(args []string) (string, error) {
	o, flags, rest, err := options(args, "o")
	if err != nil || len(o) != 1 || o[0] != "value" || !has(flags, "-Hp") || len(rest) != 2 || rest[1] != p.name {
		return "", errors.Join(err, errors.New("usage"))
	}
	switch rest[0] {
	case "guid":
		return "9000\n", nil
	case "bootfs":
		return p.boots() + "\n", nil
	}
	return "", fmt.Errorf("bad property list: invalid property '%s'", rest[0])
}

func (p *Pool) poolList(args []string) (string, error) {
	o, flags, rest, err := options(args, "o")
	if err != nil || len(rest) != 0 || !has(flags, "-Hp") || len(o) != 1 || o[0] != "name,guid,bootfs" {
		return "", errors.Join(err, errors.New("usage"))
	}
	return fmt.Sprintf("%s\t9000\t%s\n", p.name, p.boots()), nil
}

func (p *Pool) boots() string {
	if p.bootfs == nil {
		return "-"
	}
	return p.bootfs.name
}

func (p *Pool) poolSet(args []string) (string, error) {
	if len(args) != 2 || args[1] != p.name {
		return "", errors.New("usage")
	}
	name, ok := strings.CutPrefix(args[0], "bootfs=")
	if !ok {
		return "", errors.New("cannot set property")
	}
	s := p.sets[name]
	if s == nil {
		return "", fmt.Errorf("cannot set property for '%s': dataset does not exist", p.name)
	}
	p.bootfs = s
	return "", nil
}

func has(flags map[string]string, name string) bool {
	_, ok := flags[name]
	return ok
}
