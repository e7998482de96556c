package install

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unitsOf are the units that a generator's images hold, by name, with all text that may link them.
func unitsOf(t *testing.T, g Generator) (units map[string]string, links string) {
	t.Helper()
	units = map[string]string{}
	for _, h := range hooksOf(t, g) {
		if path.Ext(h.Path) == ".service" && !strings.HasPrefix(h.Path, "/etc/systemd/") {
			units[path.Base(h.Path)] = h.Data
		} else {
			links += h.Data
		}
	}
	if g == NixOS {
		option := regexp.MustCompile(`(?s)boot\.initrd\.systemd\.units\."([^"]+)" = \{\n(.*?)    text = ''\n(.*?)    '';`)
		for _, f := range option.FindAllStringSubmatch(links, -1) {
			units[f[1]] = strings.ReplaceAll("\n"+f[3], "\n      ", "\n")
		}
	}
	return units, links
}

// Every unit of an initrd says what it comes before, without which the initrd goes on while it works; is made sure to be started;
// and stops the boot when it fails as root.strict asks, and only then.
func TestInitrdUnits(t *testing.T) {
	seen := 0
	for _, g := range []Generator{Dracut, MkinitcpioSystemd, NixOS} {
		units, links := unitsOf(t, g)
		for _, u := range initrdUnits {
			text, ok := units[u.name]
			if !ok {
				t.Errorf("%s: there is no %s", g, u.name)
				continue
			}
			seen++
			fields := map[string]string{}
			for line := range strings.Lines(text) {
				if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
					fields[k] = v
				}
			}
			for k, want := range map[string]string{
				"DefaultDependencies": "no", "ConditionPathExists": "/etc/initrd-release", "Type": "oneshot", "RemainAfterExit": "yes",
				"OnFailure": "emergency.target", "TimeoutStartSec": "infinity",
			} {
				if fields[k] != want {
					t.Errorf("%s: %s has %s=%s, want %s", g, u.name, k, fields[k], want)
				}
			}
			if fields["After"] == "" {
				t.Errorf("%s: %s comes after nothing", g, u.name)
			}
			for _, before := range []string{u.by, "shutdown.target"} {
				if !slices.Contains(strings.Fields(fields["Before"]), before) {
					t.Errorf("%s: %s does not come before %s", g, u.name, before)
				}
			}
			if strings.HasPrefix(fields["ExecStart"], "-") || !strings.Contains(fields["ExecStart"], "anicca-init") && g != NixOS {
				t.Errorf("%s: %s has ExecStart=%s", g, u.name, fields["ExecStart"])
			}
			if ok := strings.Fields(fields["SuccessExitStatus"]); !slices.Contains(ok, "1") || slices.Contains(ok, "100") {
				t.Errorf("%s: %s takes %q for success", g, u.name, ok)
			}
			link := fmt.Sprintf("%s.requires/%s", u.by, u.name)
			if g == NixOS {
				link = fmt.Sprintf("%q = {\n    requiredBy = [ %q ];", u.name, u.by)
			}
			if !strings.Contains(links, link) {
				t.Errorf("%s: %s is not required by %s", g, u.name, u.by)
			}
		}
		if len(units) != len(initrdUnits) {
			t.Errorf("%s: %d units, want %d", g, len(units), len(initrdUnits))
		}
	}
	if seen != 6 {
		t.Errorf("%d units were looked at, want 6", seen)
	}
}

// Units of the booted system stay out of initrds that copy all of /etc/systemd/system, and none ignores its own failure.
func TestLateUnits(t *testing.T) {
	for _, u := range lateUnits {
		data, err := files.ReadFile("files/" + u.name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "ExecStart=-") {
			t.Errorf("%s ignores failures", u.name)
		}
		if u.name == "anicca-late.service" {
			for _, line := range []string{"\nAfter=local-fs.target remote-fs.target anicca.service\n", "\nBefore=systemd-user-sessions.service\n"} {
				if !strings.Contains(string(data), line) {
					t.Errorf("%s has no%s", u.name, line)
				}
			}
		}
		if u.by == "sysinit.target" && !strings.Contains(string(data), "\nBefore=sysinit.target") {
			t.Errorf("%s does not come before sysinit.target", u.name)
		}
	}
}

// A path unit is dead for good when what it starts was started too often, as by a few 'anicca keep' in a row: so nothing is too often.
func TestPathUnitsLive(t *testing.T) {
	seen := 0
	for _, u := range lateUnits {
		name, ok := strings.CutSuffix(u.name, ".path")
		if !ok {
			continue
		}
		seen++
		data, err := files.ReadFile("files/" + name + ".service")
		if err != nil {
			t.Fatal(err)
		}
		if head, _, _ := strings.Cut(string(data), "[Service]"); !strings.Contains(head, "\nStartLimitIntervalSec=0\n") {
			t.Errorf("%s.service may not be started as often as %s asks", name, u.name)
		}
	}
	if seen != 2 {
		t.Errorf("%d path units were looked at, want 2", seen)
	}
}

// A target waits for all that it wants, unless that says that it comes after: a session does not wait for a notification, and so for who shows them, which is
// started after the session's target on some desktops.
func TestNoTargetWaitsForLateUnits(t *testing.T) {
	for _, u := range lateUnits {
		if u.by != "graphical-session.target" && u.name != "anicca-baseline.service" {
			continue
		}
		data, err := files.ReadFile("files/" + u.name)
		if err != nil {
			t.Fatal(err)
		}
		after := ""
		for line := range strings.Lines(string(data)) {
			if v, ok := strings.CutPrefix(line, "After="); ok {
				after += " " + v
			}
		}
		if !slices.Contains(strings.Fields(after), u.by) {
			t.Errorf("%s does not come after %s", u.name, u.by)
		}
	}
}

// Systemd understands every word of the units of the booted system.
func TestSystemdTakesUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("needs systemd-analyze")
	}
	m := Machine{Generator: Dracut, FSType: "btrfs", Store: "/srv/100% kept"}
	hooks, err := Hooks(m, Programs{Init: "/bin/true", Anicca: "/bin/true"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, h := range hooks {
		if path.Base(path.Dir(h.Path)) == "system" || path.Base(path.Dir(h.Path)) == "user" {
			put(h.Path, h.Data)
		}
	}
	for _, u := range lateUnits {
		which, units := "--system", systemUnits
		if u.user {
			which, units = "--user", userUnits
		}
		cmd := exec.Command(analyze, "verify", which, "--man=no", filepath.Join(dir, units, u.name))
		cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+filepath.Join(dir, units)+":", "XDG_RUNTIME_DIR="+dir, "HOME="+dir)
		out, err := cmd.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if strings.Contains(strings.ReplaceAll(line, dir, ""), "anicca") { // it is about us: others complain of a long path
				t.Errorf("%s: %s", u.name, line)
				err = nil
			}
		}
		if err != nil && !u.user { // without a user manager, only what is wrong with a unit itself is known
			t.Errorf("%s: %v\n%s", u.name, err, out)
		}
	}
}

// Every unit that there is comes onto a machine.
func TestNoUnitIsForgotten(t *testing.T) {
	found, err := fs.Glob(files, "files/*.*")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range found {
		if ext := path.Ext(p); ext != ".service" && ext != ".timer" && ext != ".path" {
			continue
		}
		seen++
		if name := path.Base(p); !slices.ContainsFunc(slices.Concat(initrdUnits, lateUnits), func(u unit) bool { return u.name == name }) {
			t.Errorf("%s is in no list", name)
		}
	}
	if want := len(initrdUnits) + len(lateUnits); seen != want {
		t.Errorf("%d units in files, %d in the lists", seen, want)
	}
}
