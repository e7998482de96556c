package review

import (
	"path"
	"strings"
)

// Class says how much a change is missed, by where it lies; the first is missed most.
type Class string

// The classes, in their order.
const (
	Credentials   Class = "credentials"
	Data          Class = "data"
	Configuration Class = "configuration"
	State         Class = "state"
	Cache         Class = "cache" // made again when it is missing
)

// Classes are all of them, in their order.
var Classes = []Class{Credentials, Data, Configuration, State, Cache}

// rule gives a class to what lies at a pattern of path.Match, or below it. In a home, "~" stands for it.
type rule struct {
	pattern string
	class   Class
}

// rules are asked in turn; the first that fits counts.
var rules = []rule{
	{"/etc/ssh/ssh_host_*", Credentials},
	{"/etc/shadow", Credentials},
	{"/etc/gshadow", Credentials},
	{"/etc/passwd", Credentials},
	{"/etc/group", Credentials},
	{"/etc/ssl/private", Credentials},
	{"/etc/letsencrypt", Credentials},
	{"/etc/wireguard", Credentials},
	{"/etc/NetworkManager/system-connections", Credentials},
	{"/etc/krb5.keytab", Credentials},
	{"/etc/machine-id", Credentials},
	{"/var/lib/bluetooth", Credentials},
	{"/var/lib/iwd", Credentials},
	{"/var/lib/systemd/credential.secret", Credentials},
	{"~/.ssh", Credentials},
	{"~/.gnupg", Credentials},
	{"~/.password-store", Credentials},
	{"~/.kube", Credentials},
	{"~/.aws", Credentials},
	{"~/.netrc", Credentials},
	{"~/.local/share/keyrings", Credentials},
	{"~/.cache", Cache},
	{"/var/cache", Cache},
	{"/var/tmp", Cache},
	{"/tmp", Cache},
	{"/var/lib/systemd/catalog", Cache},
	{"/etc/ld.so.cache", Cache},
	{"/var/lib/apt/lists", Cache},
	{"/usr/share/mime", Cache},
	{"~/.config", Configuration},
	{"~/.local", State},
	{"~/.*", Configuration},
	{"~/*", Data},
	{"/home/*", Data},
	{"/root", Data},
	{"/srv", Data},
	{"/etc", Configuration},
	{"/usr/local", Data},
}

// ClassOf tells the class of a path.
func ClassOf(p string) Class {
	home := inHome(p)
	for _, r := range rules {
		rest, ofHome := strings.CutPrefix(r.pattern, "~")
		switch {
		case ofHome && home != "" && under(home, rest), !ofHome && under(p, r.pattern):
			return r.class
		}
	}
	return State
}

// under reports whether a path, or a directory above it, matches the pattern.
func under(p, pattern string) bool {
	n := strings.Count(pattern, "/")
	parts := strings.SplitN(p, "/", n+2)
	if len(parts) <= n {
		return false
	}
	ok, err := path.Match(pattern, strings.Join(parts[:n+1], "/"))
	return ok && err == nil
}

// inHome returns the path in the home that p lies in, empty if it lies in none.
func inHome(p string) string {
	if rest, ok := strings.CutPrefix(p, "/root/"); ok {
		return "/" + rest
	}
	rest, ok := strings.CutPrefix(p, "/home/")
	if _, rest, in := strings.Cut(rest, "/"); ok && in {
		return "/" + rest
	}
	return ""
}
