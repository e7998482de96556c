package install

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// script is a hook that runs at boot, in an initrd of shell scripts.
type script struct {
	generator Generator
	fstype    string // of the root, if the hook is another for it
	path      string // end of its path
	call      string // what it calls the program with, and how it begins
	program   string // where the program is in the image
	functions string // what the initrd has for it
	runs      string // what the initrd does with it
}

var scripts = []script{
	{
		generator: InitramfsTools, path: "local-premount/anicca", program: "/sbin/anicca-init",
		call:      "reset --device /dev/real --options subvol=@",
		functions: "panic() { echo PANIC; }\nlog_failure_msg() { echo \"SAID $*\"; }\nlocal_device_setup() { ROOT=/dev/real; }\nROOT=UUID=1 ROOTFLAGS='-o subvol=@'\n",
		runs:      ". \"$1\"",
	},
	{
		generator: InitramfsTools, fstype: "zfs", path: "local-premount/anicca", program: "/sbin/anicca-init",
		call:      "reset --device ZFS=rpool/ROOT/debian",
		functions: zfsFunctions + "BOOT=zfs ROOT=ZFS=rpool/ROOT/debian\n", runs: ". \"$1\"",
	},
	{
		generator: InitramfsTools, fstype: "zfs", path: "local-premount/anicca", program: "/sbin/anicca-init",
		call:      "reset --device ZFS=rpool/ROOT/by bootfs",
		functions: zfsFunctions + "BOOT=zfs ROOT=zfs:AUTO\n", runs: ". \"$1\"",
	},
	{
		generator: InitramfsTools, path: "local-bottom/anicca", program: "/sbin/anicca-init", call: "persist /root",
		functions: "panic() { echo PANIC; }\nlog_failure_msg() { echo \"SAID $*\"; }\nrootmnt=/root\n", runs: ". \"$1\"",
	},
	{
		generator: Mkinitcpio, path: "hooks/anicca", program: "/usr/bin/anicca-init", call: "reset --device /dev/real --options subvol=@",
		functions: mkinitcpioFunctions + "resolve_device() { echo /dev/real; }\n", runs: ". \"$1\"; run_hook; echo \"ENDS $?\"",
	},
	{
		generator: Mkinitcpio, path: "hooks/anicca", program: "/usr/bin/anicca-init", call: "reset --device UUID=1 --options subvol=@",
		functions: mkinitcpioFunctions + "resolve_device() { return 1; }\n", runs: ". \"$1\"; run_hook; echo \"ENDS $?\"",
	},
	{
		generator: Mkinitcpio, path: "hooks/anicca", program: "/usr/bin/anicca-init", call: "persist /new_root",
		functions: mkinitcpioFunctions, runs: ". \"$1\"; run_latehook; echo \"ENDS $?\"",
	},
}

const mkinitcpioFunctions = "launch_interactive_shell() { echo PANIC; }\nerr() { echo \"SAID $*\"; }\n" +
	"run_hookfunctions() { echo \"RAN $*\"; }\nroot=UUID=1 rootflags=subvol=@ EMERGENCYHOOKS=plymouth\n"

const zfsFunctions = "panic() { echo PANIC; }\nlog_failure_msg() { echo \"SAID $*\"; }\nload_module_initrd() { :; }\n" +
	"get_pools() { echo 'tank;rpool'; }\nimport_pool() { echo \"IMPORTED $1\"; }\ndecrypt_fs() { echo \"ASKED FOR THE KEY OF $1\"; }\n" +
	"find_rootfs() { [ \"$1\" = rpool ] && ZFS_BOOTFS='rpool/ROOT/by bootfs'; }\n"

// On ZFS the pool is imported and its key asked for before the program runs, and the script that mounts the root is told so.
func TestScriptImportsPool(t *testing.T) {
	seen := 0
	for _, s := range scripts {
		if s.fstype != "zfs" {
			continue
		}
		seen++
		out := s.run(t, shell(t, "/bin/sh"), 0)
		root := strings.TrimPrefix(s.call, "reset --device ZFS=")
		for _, want := range []string{
			"IMPORTED rpool\nASKED FOR THE KEY OF " + root + "\nCALLED " + s.call + "\n",
			"PARAM POOL_IMPORTED=1\nROOT='ZFS=" + root + "'\n",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", s.call, want, out)
			}
		}
		s.functions += "BOOT=local\n"
		if out := s.run(t, shell(t, "/bin/sh"), 0); strings.Contains(out, "CALLED") || strings.Contains(out, "IMPORTED") {
			t.Errorf("the hook does something where the root is elsewhere:\n%s", out)
		}
	}
	if seen != 2 {
		t.Errorf("%d scripts", seen)
	}
}

// A hook looks at how the program ends: of 100 it makes a stop, of every other failure a sentence, and the boot goes on after both.
func TestScriptsLookAtTheExit(t *testing.T) {
	for _, s := range scripts {
		for _, with := range []string{"/bin/sh", "busybox for /bin/sh"} {
			for _, code := range []int{0, 1, 2, 100, 139} {
				t.Run(fmt.Sprintf("%s %s %d by %s", s.path, strings.Fields(s.call)[0], code, filepath.Base(with)), func(t *testing.T) {
					out := s.run(t, shell(t, with), code)
					if !strings.Contains(out, "CALLED "+s.call+"\n") {
						t.Errorf("not called with %q:\n%s", s.call, out)
					}
					if got := strings.Contains(out, "PANIC"); got != (code == 100) {
						t.Errorf("stops: %v\n%s", got, out)
					}
					if got := strings.Contains(out, "SAID anicca: "); got != (code != 0) && code != 100 {
						t.Errorf("says that it failed: %v\n%s", got, out)
					}
					if s.generator == Mkinitcpio && !strings.Contains(out, "ENDS 0") {
						t.Errorf("the boot does not go on:\n%s", out)
					}
				})
			}
		}
	}
}

// run runs the hook as its initrd does, with a program that ends with a code.
func (s script) run(t *testing.T, shell []string, code int) string {
	t.Helper()
	text := ""
	for _, h := range hooksFor(t, s.generator, cmp.Or(s.fstype, "btrfs")) {
		if strings.HasSuffix(h.Path, s.path) {
			text = h.Data
		}
	}
	dir := t.TempDir()
	fake := filepath.Join(dir, "program")
	empty := filepath.Join(dir, "functions")
	hook := filepath.Join(dir, "hook")
	text = strings.ReplaceAll(text, s.program+" ", fake+" ")
	for _, lib := range []string{"/scripts/functions", "/scripts/local", "/scripts/zfs"} {
		text = strings.ReplaceAll(text, ". "+lib+"\n", ". "+empty+"\n")
	}
	param := filepath.Join(dir, "param.conf")
	text = strings.ReplaceAll(text, ">>/conf/param.conf", ">>"+param)
	for p, data := range map[string]string{
		fake: fmt.Sprintf("#!/bin/sh\necho \"CALLED $*\"\nexit %d\n", code), empty: "", hook: text,
	} {
		if err := os.WriteFile(p, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	args := append(slices.Clone(shell), "-c", s.functions+s.runs, "initrd", hook)
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if data, err := os.ReadFile(param); err == nil {
		return string(out) + "PARAM " + string(data)
	}
	return string(out)
}

// Every line of a hook that calls the program is followed by a look at its exit, and every such hook is run by the test above.
func TestCallsAreLookedAt(t *testing.T) {
	calls := 0
	for _, g := range generators {
		for _, h := range hooksOf(t, g) {
			if !strings.HasPrefix(h.Data, "#!") {
				continue
			}
			lines := strings.Split(h.Data, "\n")
			for i, line := range lines {
				line = strings.TrimSpace(line)
				if !strings.Contains(line, "anicca-init reset") && !strings.Contains(line, "anicca-init persist") || strings.HasPrefix(line, "#") {
					continue
				}
				calls++
				if strings.ContainsAny(line, "|;&") || strings.TrimSpace(lines[i+1]) != "case $? in" {
					t.Errorf("%s: nobody looks at how this ends: %s", h.Path, line)
				}
				if !slices.ContainsFunc(scripts, func(s script) bool { return s.generator == g && strings.HasSuffix(h.Path, s.path) }) {
					t.Errorf("%s is not run by a test", h.Path)
				}
			}
		}
	}
	if calls != 4 {
		t.Errorf("%d calls, want 4", calls)
	}
}

// initramfs-tools sorts its scripts by asking each for what it needs before it; nothing else may happen then.
func TestInitramfsScriptsAnswerPrereqs(t *testing.T) {
	asked := 0
	for _, h := range slices.Concat(hooksOf(t, InitramfsTools), hooksFor(t, InitramfsTools, "zfs")) {
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
	if asked != 6 {
		t.Errorf("%d scripts, want 6", asked)
	}
}
