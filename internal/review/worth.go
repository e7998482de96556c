package review

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
)

// Worth says what losing something would cost. The order is that of a report.
type Worth int

// From what is missed most to what is not missed.
const (
	Credentials Worth = iota // passwords, keys, pairings: cannot be had again, or only by asking others
	Data                     // what people made
	Config                   // what people set
	Software                 // what was installed
	State                    // what programs remember
	Cache                    // what is made again by itself
)

var worths = []string{"credentials", "data", "config", "software", "state", "cache"}

func (w Worth) String() string { return worths[w] }

// MarshalJSON writes the word.
func (w Worth) MarshalJSON() ([]byte, error) { return json.Marshal(w.String()) }

// Valued reports whether somebody would miss it.
func (w Worth) Valued() bool { return w < State }

// Finding is what is known of a path.
type Finding struct {
	Worth  Worth
	Preset string // that would keep it; empty if none would
	Entry  string // the path of that preset's entry, absolute
	Home   string // name of the user in whose home it lies
}

// Scale weighs paths.
type Scale struct {
	known   map[string]Finding // by the path of a preset's entry
	entries map[use][]string
	people  []decl.Account
	origins Origins
}

// use is a preset, in the system or in somebody's home.
type use struct{ preset, home string }

// Tell lets the scale know who writes what.
func (s *Scale) Tell(o Origins) { s.origins = o }

// NewScale returns one that knows the presets, and the homes of the people of a machine.
func NewScale(presets []decl.Preset, people []decl.Account) *Scale {
	s := &Scale{known: map[string]Finding{}, entries: map[use][]string{}, people: slices.Clone(people)}
	// Of two homes, one in the other, the inner one counts.
	slices.SortFunc(s.people, func(a, b decl.Account) int { return cmp.Compare(len(b.Home), len(a.Home)) })
	for _, p := range presets {
		for _, e := range p.Entries {
			f := Finding{Preset: p.Name, Worth: worthOf(p, e)}
			if !e.Home {
				s.know(e.Path, f)
				continue
			}
			for _, u := range s.people {
				f.Home = u.Name
				s.know(path.Join(u.Home, e.Path), f)
			}
		}
	}
	return s
}

// know takes the preset with the fewest words to write, which is the first, if several have a path.
func (s *Scale) know(at string, f Finding) {
	f.Entry = at
	s.entries[use{f.Preset, f.Home}] = append(s.entries[use{f.Preset, f.Home}], at)
	if _, twice := s.known[at]; !twice {
		s.known[at] = f
	}
}

// Entries returns the paths that a preset keeps: in the system, or in the home of a user.
func (s *Scale) Entries(preset, home string) []string { return s.entries[use{preset, home}] }

// worthOf is what a preset's entry is worth. Its tier says what is a cache; its topic and its path say the rest.
func worthOf(p decl.Preset, e decl.PresetEntry) Worth {
	at := e.Path
	if e.Home {
		at = "~/" + at
	}
	switch {
	case e.Tier == decl.TierCache:
		return Cache
	case p.Topic == "secrets" || secret(at):
		return Credentials
	case e.Folder != "":
		return Data
	}
	w := byPlace(at)
	if e.Tier == decl.TierState {
		w = max(w, State)
	}
	return w
}

// Weigh says what a clean absolute path is worth: by the preset that would keep it, else by its name, else by its place.
func (s *Scale) Weigh(p string) Finding {
	at, home := p, ""
	for _, u := range s.people {
		if rest, ok := strings.CutPrefix(p, strings.TrimSuffix(u.Home, "/")+"/"); ok {
			at, home = "~/"+rest, u.Name
			break
		}
		if p == u.Home {
			return Finding{Worth: Data, Home: u.Name}
		}
	}
	for up := p; up != "/"; up = path.Dir(up) {
		if f, ok := s.known[up]; ok {
			if f.Worth != Cache && secret(at) {
				f.Worth = Credentials
			}
			return f
		}
	}
	w := byPlace(at)
	if w != Cache && secret(at) {
		w = Credentials
	}
	return Finding{Worth: w, Home: home}
}

// secretDirs hold keys and passwords. A leading ~ is a home.
var secretDirs = []string{
	"/etc/ssl/private", "/etc/pki/tls/private", "/etc/letsencrypt", "/etc/wireguard", "/etc/openvpn", "/etc/ipsec.d", "/etc/swanctl",
	"/etc/NetworkManager/system-connections", "/etc/luks-keys", "/etc/cryptsetup-keys.d", "/etc/credstore", "/etc/credstore.encrypted",
	"/var/lib/bluetooth", "/var/lib/iwd", "/var/lib/tpm2-tss", "/var/lib/sbctl", "/var/lib/acme", "/var/lib/tailscale",
	"~/.ssh", "~/.gnupg", "~/.password-store", "~/.local/share/keyrings", "~/.local/share/kwalletd", "~/.pki", "~/.aws", "~/.azure",
	"~/.kube", "~/.config/gcloud", "~/.config/sops", "~/.config/age", "~/.config/gh", "~/.config/op", "~/.config/Bitwarden",
}

// secretNames are files that hold keys and passwords, wherever they lie, as path.Match takes them.
var secretNames = []string{
	"id_rsa", "id_ecdsa", "id_ed25519", "id_dsa", "id_*_sk", "ssh_host_*_key", "*.key", "*.pem", "*.p12", "*.pfx", "*.kdbx", "*.keytab", "*.ovpn",
	"*.gpg", "*.age", ".netrc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials", ".npmrc", ".pypirc", ".env", "shadow", "gshadow",
	"passwd", "group", "credentials", "credentials.toml", "ipsec.secrets", "chap-secrets", "pap-secrets", "krb5.keytab", "*secret*", "*password*",
	"wpa_supplicant*.conf", "*.mobileconfig", "authorized_keys", "logins.json", "key4.db",
}

// secret says so of a path, in which ~ is a home.
func secret(p string) bool {
	for _, d := range secretDirs {
		if p == d || strings.HasPrefix(p, d+"/") {
			return true
		}
	}
	if strings.HasPrefix(p, "/usr/") { // software ships names of that kind
		return false
	}
	name := path.Base(p)
	return slices.ContainsFunc(secretNames, func(n string) bool { ok, _ := path.Match(n, name); return ok })
}

// caches are names, in small letters, of directories that hold nothing else.
var caches = []string{"cache", ".cache", "caches", "cache2", "__pycache__", ".thumbnails"}

// byPlace weighs a path, in which ~ is a home, by where it lies.
func byPlace(p string) Worth {
	for part := range strings.SplitSeq(p, "/") {
		if slices.Contains(caches, strings.ToLower(part)) {
			return Cache
		}
	}
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		first, below, _ := strings.Cut(rest, "/")
		switch {
		case first[:1] != ".":
			return Data
		case first == ".config" || below == "" && first != ".local":
			return Config
		}
		return State
	}
	for _, at := range []struct {
		dir   string
		worth Worth
	}{
		{"/etc", Config},
		{"/usr/local/etc", Config},
		{"/srv", Data},
		{"/home", Data},
		{"/root", Data},
		{"/mnt", Data},
		{"/media", Data},
		{"/var/www", Data},
		{"/var/mail", Data},
		{"/var/spool/mail", Data},
		{"/var/spool/cron", Config},
		{"/usr", Software},
		{"/opt", Software},
		{"/boot", Software},
		{"/efi", Software},
		{"/bin", Software},
		{"/sbin", Software},
		{"/lib", Software},
		{"/lib32", Software},
		{"/lib64", Software},
		{"/nix", Software},
		{"/var/lib/dpkg", Software},
		{"/var/lib/rpm", Software},
		{"/var/lib/pacman", Software},
		{"/var/lib/flatpak", Software},
		{"/var/lib/snapd", Software},
		{"/var", State},
	} {
		if p == at.dir || strings.HasPrefix(p, at.dir+"/") {
			return at.worth
		}
	}
	return Data // nobody but people puts things there
}
