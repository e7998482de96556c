package install

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// generators are all that anicca hooks into.
var generators = []Generator{InitramfsTools, Dracut, Mkinitcpio, MkinitcpioSystemd, NixOS, Shim}

// hooksOf are the files for a machine with a generator and a root on btrfs.
func hooksOf(t *testing.T, g Generator) []Installed {
	t.Helper()
	return hooksFor(t, g, "btrfs")
}

func hooksFor(t *testing.T, g Generator, fstype string) []Installed {
	t.Helper()
	m := Machine{Generator: g, FSType: fstype, Store: "/persist", StoreSub: "@persist", UUID: "0a1b"}
	hooks, err := Hooks(m, Programs{Init: "/opt/bin/anicca-init", Anicca: "/opt/bin/anicca"})
	if err != nil {
		t.Fatal(err)
	}
	return hooks
}

// The path of the program is filled in everywhere, nothing else is left to be filled in, and what is to be run can be run.
func TestHooks(t *testing.T) {
	for _, g := range generators {
		named, late := false, false
		for _, h := range hooksOf(t, g) {
			if at := regexp.MustCompile(`@[A-Z]+@`).FindString(h.Data); at != "" {
				t.Errorf("%s: %s is not filled in", h.Path, at)
			}
			named = named || strings.Contains(h.Data, "/opt/bin/anicca-init") || h.From == "/opt/bin/anicca-init"
			late = late || strings.Contains(h.Data, "ExecStart=/opt/bin/anicca service watch\n") || strings.Contains(h.Data, "ExecStart=${anicca} service watch\n")
			if strings.HasPrefix(h.Data, "#!") && h.Mode&0o111 == 0 {
				t.Errorf("%s cannot be run", h.Path)
			}
			if (h.Data == "") == (h.Link == "" && h.From == "") {
				t.Errorf("%s has no content, or two", h.Path)
			}
		}
		if !named {
			t.Errorf("%s: nothing names the program", g)
		}
		if !late {
			t.Errorf("%s: nothing runs the watcher", g)
		}
	}
	if _, err := Hooks(Machine{Generator: "tape"}, Programs{}); err == nil {
		t.Error("an unknown generator has hooks")
	}
	for g := range hookFiles {
		if !slices.Contains(generators, g) {
			t.Errorf("%s is not looked at by the tests of this file", g)
		}
	}
}

// What makes a machine persist is one program, called before and after its root is mounted, in every initrd.
func TestEveryInitrdRunsBoth(t *testing.T) {
	for _, g := range generators {
		all := ""
		for _, h := range hooksOf(t, g) {
			all += h.Data
		}
		for _, call := range []string{" reset", " persist"} {
			n := len(regexp.MustCompile(`(?m)^[^#\n]*(/anicca-init|\$\{program\})`+call+`\b`).FindAllString(all, -1))
			if want := map[bool]int{true: 0, false: 1}[g == Shim]; n != want {
				t.Errorf("%s: %d calls of%s, want %d", g, n, call, want)
			}
		}
	}
}

// shells are what reads the hooks of each generator; the first that is installed is asked whether it can.
var shells = map[string][][]string{
	"/bin/sh":             {{"/bin/sh"}},
	"/bin/bash":           {{"bash"}},
	"/usr/bin/env bash":   {{"bash"}},
	"/usr/bin/ash":        {{"busybox", "ash"}, {"ash"}, {"dash"}},
	"busybox for /bin/sh": {{"busybox", "ash"}},
}

// shell returns the command that starts an installed shell.
func shell(t *testing.T, shebang string) []string {
	t.Helper()
	list, ok := shells[shebang]
	if !ok {
		t.Fatalf("which shell reads %q?", shebang)
	}
	for _, s := range list {
		if _, err := exec.LookPath(s[0]); err == nil {
			return s
		}
	}
	t.Skipf("no shell that reads %q is installed: %q", shebang, list)
	return nil
}

// Every hook is something that its shell can read.
func TestHooksCanBeRead(t *testing.T) {
	for _, g := range generators {
		for _, h := range hooksOf(t, g) {
			first, _, _ := strings.Cut(h.Data, "\n")
			shebang, ok := strings.CutPrefix(first, "#!")
			if !ok {
				continue
			}
			by := []string{shebang}
			if shebang == "/bin/sh" {
				by = append(by, "busybox for /bin/sh") // initramfs-tools takes that where it is installed
			}
			for _, b := range by {
				t.Run(string(g)+path.Base(path.Dir(h.Path))+" by "+path.Base(b), func(t *testing.T) {
					p := filepath.Join(t.TempDir(), "hook")
					if err := os.WriteFile(p, []byte(h.Data), 0o755); err != nil {
						t.Fatal(err)
					}
					args := append(slices.Clone(shell(t, b)), "-n", p)
					if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
						t.Errorf("%s: %v\n%s", h.Path, err, out)
					}
				})
			}
		}
	}
}

// What a build of an image does is not passed over when it fails: the generators do so by themselves.
func TestBuildsFailLoudly(t *testing.T) {
	puts := regexp.MustCompile(`^\s*(inst_\w+|copy_\w+|add_(file|binary|symlink|runscript)|mkdir|ln)\b`)
	checked := regexp.MustCompile(`\|\| (return|exit) 1$`)
	lines := 0
	for _, g := range generators {
		for _, h := range hooksOf(t, g) {
			if !strings.HasPrefix(h.Data, "#!") {
				continue
			}
			for line := range strings.Lines(h.Data) {
				line = strings.TrimSuffix(line, "\n")
				if strings.Contains(line, "|| true") || strings.Contains(line, "|| :") || strings.Contains(line, "set +e") {
					t.Errorf("%s swallows a failure: %s", h.Path, line)
				}
				if puts.MatchString(line) {
					lines++
					if !checked.MatchString(line) {
						t.Errorf("%s goes on when this fails: %s", h.Path, line)
					}
				}
			}
		}
	}
	if lines < 10 {
		t.Errorf("only %d lines that put something into an image were found", lines)
	}
}
