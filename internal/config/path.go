package config

import (
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
)

// notRoot are directories whose content is never part of a root on a disk.
var notRoot = []string{"/dev", "/proc", "/run", "/sys"}

// path checks the path of an entry and returns it as an absolute one.
func (h *hoster) path(at []string, p string, u *decl.Account) (string, bool) {
	if u == nil {
		return p, h.cleanAbsolute(at, p) && h.system(at, p)
	}
	switch {
	case strings.HasPrefix(p, "/"):
		hint := "paths of a home are relative to it; write system paths in the store's own " + at[len(at)-2]
		if within(path.Clean(p), u.Home) && path.Clean(p) != u.Home {
			hint = "paths of a home are relative to it: write " + quoted(strings.TrimPrefix(path.Clean(p), u.Home+"/"))
		}
		h.say(at, hint, "is absolute, in a list of the home of %s", u.Name)
		return "", false
	case p == "" || p == ".":
		h.say(at, "to keep the whole home, write "+quoted(u.Home)+" in the store's own directories", "names the home itself")
		return "", false
	}
	if !h.clean(at, p) {
		return "", false
	}
	abs := path.Join(u.Home, p)
	return abs, h.outsideStores(at, abs)
}

func (h *hoster) cleanAbsolute(at []string, p string) bool {
	if !strings.HasPrefix(p, "/") {
		hint := "write " + quoted(path.Clean("/"+p))
		if len(at) > 2 {
			hint += ", or write it in a list of users"
		}
		h.say(at, hint, "is relative: a system path begins with /")
		return false
	}
	if p == "/" {
		h.say(at, "name what is worth keeping", "is the root itself")
		return false
	}
	return h.clean(at, p)
}

// clean refuses every other way to write a path: with one way only, no path is given twice by mistake.
func (h *hoster) clean(at []string, p string) bool {
	if slices.Contains(strings.Split(p, "/"), "..") {
		hint := "write " + quoted(path.Clean(p)) + " if that is meant"
		if !strings.HasPrefix(p, "/") {
			hint = "name what lies below the home"
		}
		h.say(at, hint, "a path must not contain ..")
		return false
	}
	if c := path.Clean(p); c != p {
		h.say(at, "write "+quoted(c), "is not written in the shortest way")
		return false
	}
	if i := strings.IndexFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		h.say(at, "rename it", "a path must not contain control characters")
		return false
	}
	return true
}

// system checks an absolute path of a system list.
func (h *hoster) system(at []string, p string) bool {
	for _, d := range notRoot {
		if within(p, d) {
			h.say(at, "leave it out", "what lies in %s is made anew at every boot and cannot be kept", d)
			return false
		}
	}
	if u, ok := h.homeOf(p); ok {
		rel := strings.TrimPrefix(p, u.Home+"/")
		h.say(at, "write it as users: "+label(u.Name)+": "+at[len(at)-2]+": "+quoted(rel)+": {}, or keep "+u.Home+" whole",
			"lies in the home of %s, which may move it or change its owner", u.Name)
		return false
	}
	return h.outsideStores(at, p)
}

func (h *hoster) outsideStores(at []string, p string) bool {
	if own := "/" + decl.StateDir; within(p, own) { // its kept copy would be those
		h.say(at, "leave it out", "in a store, anicca has its own records at that place")
		return false
	}
	for _, s := range h.stores {
		switch {
		case p == s:
			h.say(at, "leave it out: all of a store is kept", "is the store itself")
			return false
		case within(p, s):
			h.say(at, "leave it out: all of a store is kept", "lies inside the store %s", s)
			return false
		case within(s, p):
			h.say(at, "name what is worth keeping in it", "the store %s lies inside it and would be hidden", s)
			return false
		}
	}
	return true
}

// homeOf returns the person in whose home p lies.
func (h *hoster) homeOf(p string) (decl.Account, bool) {
	if h.o.Accounts == nil {
		return decl.Account{}, false
	}
	for _, u := range h.o.Accounts.Users() {
		if u.Person() && p != u.Home && within(p, u.Home) {
			return u, true
		}
	}
	return decl.Account{}, false
}

func within(p, dir string) bool {
	return p == dir || dir == "/" || len(p) > len(dir) && strings.HasPrefix(p, dir) && p[len(dir)] == '/'
}

func quoted(s string) string { return `"` + s + `"` }

func label(s string) string {
	if isWord(s) {
		return s
	}
	return quoted(s)
}
