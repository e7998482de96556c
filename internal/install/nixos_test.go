package install

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The module is something that Nix can read, and means what the units of other machines say.
func TestNixModule(t *testing.T) {
	if _, err := exec.LookPath("nix-instantiate"); err != nil {
		t.Skip("needs nix-instantiate: apt-get install nix-bin")
	}
	m := Machine{Generator: NixOS, FSType: "btrfs", Store: `/per"sist`, StoreSub: "@${x}\\", UUID: "0a1b"}
	hooks, err := Hooks(m, Programs{Init: "/opt/bin/anicca-init", Anicca: "/opt/bin/anicca"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, h := range hooks {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(h.Path)), []byte(h.Data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nix := func(args ...string) string {
		cmd := exec.Command("nix-instantiate", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "NIX_REMOTE=", "NIX_STATE_DIR="+dir+"/state")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("nix-instantiate %v: %v\n%s", args, err, err.(*exec.ExitError).Stderr)
		}
		return string(out)
	}
	nix("--parse", "anicca.nix")
	text := nix("--eval", "--strict", "--json", "--readonly-mode", "-E", "import ./anicca.nix { lib.mkDefault = x: x; }")
	type units map[string]struct {
		Text                 string
		RequiredBy, WantedBy []string
	}
	var got struct {
		Boot struct {
			Initrd struct {
				SupportedFilesystems []string
				Systemd              struct {
					Enable     bool
					StorePaths []string
					Units      units
				}
			}
		}
		Systemd struct {
			Units units
			User  struct{ Units units }
		}
		Environment struct{ LoginShellInit string }
		Programs    struct {
			Fish struct{ LoginShellInit string }
		}
		FileSystems map[string]struct {
			Device, FSType string
			Options        []string
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	initrd := got.Boot.Initrd
	if !initrd.Systemd.Enable || len(initrd.Systemd.StorePaths) != 1 || !strings.HasSuffix(initrd.Systemd.StorePaths[0], "-anicca-init") {
		t.Fatalf("%+v", initrd)
	}
	program := initrd.Systemd.StorePaths[0]
	for _, u := range initrdUnits {
		data, err := files.ReadFile("files/" + u.name)
		if err != nil {
			t.Fatal(err)
		}
		nu := initrd.Systemd.Units[u.name]
		if want := strings.ReplaceAll(string(data), "/usr/bin/anicca-init", program); nu.Text != want {
			t.Errorf("%s is\n%s\nwant\n%s", u.name, nu.Text, want)
		}
		if len(nu.RequiredBy) != 1 || nu.RequiredBy[0] != u.by {
			t.Errorf("%s is required by %q", u.name, nu.RequiredBy)
		}
	}
	late := got.Systemd.Units
	if w := late["anicca.service"].WantedBy; len(w) != 1 || w[0] != "sysinit.target" || !strings.Contains(late["anicca.service"].Text, "ExecStart="+program+" finish\n") {
		t.Errorf("anicca.service: %+v", late["anicca.service"])
	}
	if w := late["anicca-expire.timer"].WantedBy; len(w) != 1 || w[0] != "timers.target" {
		t.Errorf("anicca-expire.timer is wanted by %q", w)
	}
	if w := got.Systemd.User.Units["anicca-notify.path"].WantedBy; len(w) != 1 || w[0] != "default.target" {
		t.Errorf("anicca-notify.path is wanted by %q", w)
	}
	if want := "\nPathChanged=" + m.Store + "/.anicca/generations\n"; !strings.Contains(late["anicca-report.path"].Text, want) {
		t.Errorf("anicca-report.path has no %q:\n%s", want, late["anicca-report.path"].Text)
	}
	for name, init := range map[string]string{"profile": got.Environment.LoginShellInit, "profile-fish": got.Programs.Fish.LoginShellInit} {
		if data, err := files.ReadFile("files/" + name); err != nil || init != string(data) {
			t.Errorf("%s at login is\n%s\nwant\n%s", name, init, data)
		}
	}
	if s := got.FileSystems[m.Store]; s.Device != "/dev/disk/by-uuid/0a1b" || s.FSType != "btrfs" || s.Options[0] != "subvol="+m.StoreSub {
		t.Errorf("the store: %+v", got.FileSystems)
	}
}
