package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every unit of the initrd says what it comes before; without that, the initrd goes on while it works.
func TestInitrdUnitsAreOrdered(t *testing.T) {
	hooks, err := Hooks(Dracut, "/usr/local/bin/anicca-init", "btrfs")
	if err != nil {
		t.Fatal(err)
	}
	units := 0
	for _, h := range hooks {
		if !strings.HasSuffix(h.Path, ".service") || !strings.Contains(h.Path, "dracut") {
			continue
		}
		units++
		for _, line := range []string{"\nBefore=", "\nAfter=", "\nDefaultDependencies=no", "\nConditionPathExists=/etc/initrd-release", "\nType=oneshot"} {
			if !strings.Contains(h.Data, line) {
				t.Errorf("%s has no %s", h.Path, strings.TrimSpace(line))
			}
		}
	}
	if units != 2 {
		t.Errorf("%d units, want 2", units)
	}
	for name, before := range map[string]string{"anicca-reset": "sysroot.mount", "anicca-persist": "initrd-root-fs.target"} {
		data, err := files.ReadFile("files/" + name + ".service")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if list, ok := strings.CutPrefix(line, "Before="); ok && !strings.Contains(list, before) {
				t.Errorf("%s does not come before %s", name, before)
			}
		}
	}
}

// The program's path is filled in everywhere, and every hook is something that a shell can read.
func TestHooks(t *testing.T) {
	for _, g := range []Generator{InitramfsTools, Dracut} {
		hooks, err := Hooks(g, "/opt/bin/anicca-init", "ext4")
		if err != nil {
			t.Fatal(err)
		}
		named := false
		for _, h := range hooks {
			if strings.Contains(h.Data, "@PROGRAM@") || strings.Contains(h.Data, "@BTRFS@") {
				t.Errorf("%s: the program is not filled in", h.Path)
			}
			named = named || strings.Contains(h.Data, "/opt/bin/anicca-init")
			if !strings.HasPrefix(h.Data, "#!") {
				continue
			}
			if h.Mode&0o111 == 0 {
				t.Errorf("%s cannot be run", h.Path)
			}
			shell := strings.Fields(strings.TrimPrefix(strings.SplitN(h.Data, "\n", 2)[0], "#!"))[0]
			p := filepath.Join(t.TempDir(), "hook")
			if err := os.WriteFile(p, []byte(h.Data), 0o755); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(shell, "-n", p).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", h.Path, err, out)
			}
		}
		if !named {
			t.Errorf("%s: no hook names the program", g)
		}
	}
	if _, err := Hooks("booster", "/x", "ext4"); err == nil {
		t.Error("an unknown generator has hooks")
	}
}

// initramfs-tools sorts its scripts by asking each for what it needs before it; nothing else may happen then.
func TestInitramfsScriptsAnswerPrereqs(t *testing.T) {
	hooks, err := Hooks(InitramfsTools, "/nowhere/anicca-init", "btrfs")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, h := range hooks {
		if !strings.HasPrefix(h.Data, "#!/bin/sh") {
			continue
		}
		p := filepath.Join(t.TempDir(), "hook")
		if err := os.WriteFile(p, []byte(h.Data), 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("/bin/sh", p, "prereqs").CombinedOutput()
		if err != nil {
			t.Errorf("%s prereqs: %v\n%s", h.Path, err, out)
		}
		if strings.Contains(h.Path, "premount") && !strings.Contains(string(out), "resume") {
			t.Errorf("%s does not wait for the resume decision: %q", h.Path, out)
		}
		asked++
	}
	if asked != 3 {
		t.Errorf("%d scripts, want 3", asked)
	}
}
