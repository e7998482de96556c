package config

import (
	"slices"
	"strconv"
	"strings"

	"anicca/internal/decl"
)

// user finds the account of a home list.
func (h *hoster) user(at []string, name string) (decl.Account, bool) {
	if h.o.Accounts == nil {
		return decl.Account{Name: name, Home: "/home/" + name}, true
	}
	u, ok := h.o.Accounts.User(name)
	if !ok {
		h.say(at, h.nearest(name), "there is no user %s on this machine", name)
		return u, false
	}
	if u.Home == "/" || !strings.HasPrefix(u.Home, "/") {
		h.say(at, "write its paths in the store's own lists", "the user %s has no home of its own (%q)", name, u.Home)
		return u, false
	}
	return u, true
}

// perm checks the names of an owner and a group and reads the mode.
func (h *hoster) perm(at []string, raw rawPerm) decl.Perm {
	p := decl.Perm{User: raw.User, Group: raw.Group}
	in := func(name string) []string { return append(at[:len(at):len(at)], name) }
	if h.o.Accounts != nil {
		if _, ok := h.o.Accounts.User(raw.User); !ok && raw.User != "" && !isNumber(raw.User) {
			h.say(in("user"), h.nearest(raw.User), "there is no user %s on this machine", raw.User)
		}
		if _, ok := h.o.Accounts.Group(raw.Group); !ok && raw.Group != "" && !isNumber(raw.Group) {
			h.say(in("group"), "groups are in /etc/group; one that is made later can be given by its number, group: \"110\"", "there is no group %s on this machine", raw.Group)
		}
	}
	if raw.Mode != "" {
		m, err := decl.ParseMode(raw.Mode)
		if err != nil {
			h.say(in("mode"), hintFor([]string{"mode"}), "%v", err)
		}
		p.Mode = &m
	}
	return p
}

// isNumber reports whether a name is the number of a user or group.
func isNumber(name string) bool {
	_, err := strconv.ParseUint(name, 10, 31)
	return err == nil
}

func (h *hoster) nearest(name string) string {
	var known []string
	for _, u := range h.o.Accounts.Users() {
		known = append(known, u.Name)
	}
	if s := similar(name, known); s != "" {
		return "did you mean " + s + "?"
	}
	return "users are in /etc/passwd; make the user first, or leave its entries out"
}

// bindOptions are the mount options that a bind mount can have; anything that begins with x- is for other programs.
var bindOptions = []string{
	"nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "ro",
}

func (h *hoster) mountOptions(at []string, list []string) []string {
	out := slices.Clone(list)
	for _, o := range out {
		if strings.HasPrefix(o, "x-") || slices.Contains(bindOptions, o) {
			continue
		}
		hint := "known: " + strings.Join(bindOptions, ", ") + ", and what begins with x-"
		if s := similar(o, bindOptions); s != "" {
			hint = "did you mean " + s + "?"
		}
		h.say(append(at[:len(at):len(at)], "mountOptions"), hint, "%q is not an option of a bind mount", o)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
