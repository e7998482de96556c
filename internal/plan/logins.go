package plan

import (
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// locksOut reports whether a reset would leave nobody who could log in, on a machine where somebody can now.
func (m *maker) locksOut() bool {
	now, base := m.facts.Logins, m.facts.BaseLogins
	if m.host.Root.Reset != decl.ResetOn || now == nil || base == nil {
		return false
	}
	after := facts.Logins{Homes: base.Homes, Passwords: base.Passwords, Keys: map[string]bool{}}
	if m.stays("/etc/passwd") {
		after.Homes = now.Homes
	}
	if m.stays("/etc/shadow") {
		after.Passwords = now.Passwords
	}
	for _, home := range after.Homes {
		after.Keys[home] = base.Keys[home]
		if m.stays(path.Join(home, facts.KeyFile)) {
			after.Keys[home] = now.Keys[home]
		}
	}
	if !open(*now) || open(after) {
		return false
	}
	m.conflict(m.host.Root.Pos, "/", "keep the accounts, as 'use: accounts: {}' does, or the ssh keys; or make a base that has them: anicca base new",
		"after a reset nobody could log in: neither what is kept nor the base has an account with a password or with ssh keys. The boot plan is left as it was")
	return true
}

func open(l facts.Logins) bool {
	for name, home := range l.Homes {
		if l.Passwords[name] || l.Keys[home] {
			return true
		}
	}
	return false
}

// stays reports whether a path is after a reset as it is now: an entry keeps it, or it lies on what is not reset.
func (m *maker) stays(p string) bool {
	for _, s := range m.host.Stores {
		if slices.ContainsFunc(s.Entries, func(e decl.Entry) bool {
			return e.Path == p || e.Kind == decl.Directory && strings.HasPrefix(p, e.Path+"/")
		}) {
			return true
		}
	}
	at, _, ok := m.mounts.Place(p)
	return ok && at.Target != "/" && !slices.ContainsFunc(m.host.Root.Volumes, func(v decl.Volume) bool { return v.Path == at.Target })
}
