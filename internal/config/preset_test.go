package config_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"anicca/internal/config"
	"anicca/internal/decl"
)

// uses is a declaration with presets for the system and for bird.
func uses(presets ...decl.Preset) string {
	var system, home strings.Builder
	for _, p := range presets {
		if has(p, false) {
			fmt.Fprintf(&system, "\t%q: {}\n", p.Name)
		}
		if has(p, true) {
			fmt.Fprintf(&home, "\t%q: {}\n", p.Name)
		}
	}
	return fmt.Sprintf("persist: \"/persist\": {\nuse: {\n%s}\nusers: bird: use: {\n%s}\n}\n", &system, &home)
}

func has(p decl.Preset, home bool) bool {
	return slices.ContainsFunc(p.Entries, func(e decl.PresetEntry) bool { return e.Home == home })
}

// Every preset, and all of them together, must be a valid declaration that keeps what the catalogue says.
func TestPresets(t *testing.T) {
	all := config.Presets()
	for _, p := range all {
		t.Run(p.Name, func(t *testing.T) {
			host, err := load(t, []txtar.File{{Name: "decl/a.cue", Data: []byte(uses(p))}})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range p.Entries {
				at := want.Path
				if want.Home {
					at = path.Join("/home/bird", at)
				}
				i := slices.IndexFunc(host.Stores[0].Entries, func(e decl.Entry) bool { return e.Path == at })
				if i < 0 {
					t.Errorf("%s is not kept", at)
					continue
				}
				e := host.Stores[0].Entries[i]
				if e.Kind != want.Kind || e.Phase != want.Phase || e.Tier != want.Tier || e.Preset != p.Name || (e.Home == "bird") != want.Home {
					t.Errorf("%s is %+v, the catalogue says %+v", at, e, want)
				}
				if want.Mode != nil && (e.Perm.Mode == nil || *e.Perm.Mode != *want.Mode) && e.Kind == decl.Directory {
					t.Errorf("%s has mode %v, the catalogue says %s", at, e.Perm.Mode, want.Mode)
				}
				if e.Perm.User != "" || e.Perm.Group != "" {
					t.Errorf("%s wants the owner %v, who may not exist on another machine", at, e.Perm)
				}
			}
		})
	}
	if _, err := load(t, []txtar.File{{Name: "decl/a.cue", Data: []byte(uses(all...))}}); err != nil {
		t.Error(err)
	}
}

// A user must be told what a preset is for, what each path is worth and what to beware of.
func TestPresetsSayWhatTheyAreFor(t *testing.T) {
	for _, p := range config.Presets() {
		if p.What == "" || p.Hazard == "" || p.Topic == "" || len(p.Entries) == 0 {
			t.Errorf("%s: %+v", p.Name, p)
		}
		for _, e := range p.Entries {
			if e.Tier == "" || e.Phase == "" || e.ModeFrom == "" {
				t.Errorf("%s: %s does not say all: %+v", p.Name, e.Path, e)
			}
			if (e.ModeFrom == decl.ModeBase) != (e.Mode == nil) {
				t.Errorf("%s: %s: mode %v from %s", p.Name, e.Path, e.Mode, e.ModeFrom)
			}
			if e.Kind == decl.File && e.Mode != nil && e.ModeFrom == decl.ModeCustom {
				t.Errorf("%s: %s: a kept file has the mode that it was adopted with", p.Name, e.Path)
			}
		}
	}
}

// Two presets that are used together must not want one path in two ways: which one won would be chance.
func TestPresetsAgree(t *testing.T) {
	type place struct {
		home bool
		path string
	}
	first := map[place]decl.PresetEntry{}
	by := map[place]string{}
	for _, p := range config.Presets() {
		for _, e := range p.Entries {
			at := place{e.Home, e.Path}
			other, ok := first[at]
			if !ok {
				first[at], by[at] = e, p.Name
				continue
			}
			sameMode := (e.Mode == nil) == (other.Mode == nil) && (e.Mode == nil || *e.Mode == *other.Mode)
			if e.Kind != other.Kind || e.Phase != other.Phase || e.Tier != other.Tier || !sameMode {
				t.Errorf("%s and %s want %s differently: %+v and %+v", by[at], p.Name, e.Path, other, e)
			}
		}
	}
}

// What people keep most on such machines must be in the catalogue.
func TestPresetsHoldWhatPeopleKeep(t *testing.T) {
	const wanted = `
/etc/machine-id /etc/ssh/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key.pub /etc/ssh/ssh_host_rsa_key
/etc/ssh/ssh_host_rsa_key.pub /etc/ssh /etc/adjtime /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
/var/lib/nixos /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/subuid /etc/subgid /var/log /var/lib/systemd
/var/lib/systemd/coredump /var/lib/systemd/timers /var/lib/systemd/backlight /var/lib/systemd/rfkill
/var/lib/systemd/timesync /var/lib/private /etc/NetworkManager/system-connections /var/lib/NetworkManager /var/lib/iwd
/var/lib/bluetooth /var/lib/tailscale /etc/mullvad-vpn /var/cache/mullvad-vpn /var/db/dhcpcd /etc/wireguard /var/lib/sbctl
/etc/secureboot /var/lib/fprint /var/lib/fwupd /var/lib/alsa /var/lib/colord /var/lib/upower /var/lib/cups /var/cache/cups
/var/lib/containers /var/lib/docker /var/lib/libvirt /var/lib/swtpm-localca /var/lib/flatpak /var/lib/waydroid /var/lib/lxc
/var/lib/incus /var/lib/postgresql /var/lib/mysql /var/lib/acme /var/lib/grafana /var/lib/jellyfin /var/lib/prometheus2
/var/lib/unbound /var/lib/nextcloud /var/lib/headscale /var/lib/fail2ban /var/lib/logrotate.status /var/tmp /tmp
/var/db/sudo/lectured
.ssh .gnupg .local/share/keyrings .local/share/kwalletd .pki .local/share/password-store .password-store .config/sops .aws
.kube .config/gcloud .docker .config/gh Documents Downloads Pictures Videos Games Projects Music Desktop .local/share/fish
.bash_history .zsh_history .histfile .local/share/zoxide .local/share/direnv .local/share/atuin .local/share/nvim
.local/state/nvim .config/zed .local/share/zed .config/Code .mozilla .config/mozilla .config/chromium .thunderbird
.cache/mozilla .cache/chromium .config/discord .config/Element .config/Signal .config/vesktop .local/share/Steam .steam
.local/share/PrismLauncher .factorio .local/share/lutris .local/share/bottles .config/dconf .local/state/wireplumber
.config/kdeconnect .local/share/recently-used.xbel .config/monitors.xml .local/share/Trash .local/share/flatpak .var .cargo
.npm go .gradle .m2 .claude .claude.json .cache/nix .cache/fontconfig .cache/mesa_shader_cache .cache/direnv`
	have := map[string]bool{}
	for _, p := range config.Presets() {
		for _, e := range p.Entries {
			have[e.Path] = true
		}
	}
	for _, p := range strings.Fields(wanted) {
		if !have[p] {
			t.Errorf("%s is in no preset", p)
		}
	}
}

// private is a machine whose homes may not be looked into.
type private struct{ fstest.MapFS }

func (p private) Lstat(name string) (fs.FileInfo, error) {
	if name == "home/bird/.config" {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrPermission}
	}
	return p.MapFS.Lstat(name)
}

// Who may not look into a home must not be given the English names instead.
func TestFoldersOfPrivateHome(t *testing.T) {
	a := accounts(t, nil)
	a.Homes = private{fstest.MapFS{"home/bird/.config/user-dirs.dirs": {Data: []byte("XDG_MUSIC_DIR=\"$HOME/Musik\"\n")}}}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("decl", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("decl/a.cue", []byte(`persist: "/persist": users: bird: use: music: {}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(config.Options{Dir: "decl", Host: "nest", Accounts: a})
	if err == nil || !strings.Contains(err.Error(), "run it as root") {
		t.Errorf("the error is %v", err)
	}
}
