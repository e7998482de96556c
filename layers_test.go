// Package anicca_test holds the layers of the house: who may import whom, and why.
package anicca_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "anicca/"

// layers says for every package of this module which others of it may be imported, without tests.
var layers = map[string]struct {
	why   string
	allow string
}{
	"internal/decl":        {"the vocabulary depends on nothing", ""},
	"internal/noise":       {"thinks about paths", "internal/decl"},
	"internal/config":      {"knows files and CUE, not machines", "internal/decl internal/noise"},
	"internal/facts":       {"reads machines through fs.FS only", "internal/decl"},
	"internal/survey":      {"reads machines through fs.FS only; beside facts, as the initrd's program links those", "internal/decl internal/facts"},
	"internal/suggest":     {"thinks about what was found: no disk", "internal/decl internal/survey"},
	"internal/plan":        {"thinks: no disk, no clock, no environment", "internal/decl internal/facts"},
	"internal/review":      {"thinks about changes: no disk, no clock, no environment", "internal/decl internal/noise"},
	"internal/report":      {"thinks about who is told what: no disk, no clock, no environment", "internal/review"},
	"internal/tell":        {"brings a report to people and programs; D-Bus never comes into the initrd", "internal/decl internal/report internal/sys"},
	"internal/sys":         {"the hands know nothing of what they work for", ""},
	"internal/root":        {"fresh roots are made by the hands", "internal/decl internal/sys"},
	"internal/apply":       {"walks a plan", "internal/decl internal/plan internal/sys"},
	"internal/changes":     {"looks at a root and its base for what differs", "internal/decl internal/review internal/root internal/sys"},
	"internal/baseline":    {"what a boot remembers until its end", "internal/decl internal/review internal/sys"},
	"internal/archive":     {"which old roots stay, and the others dropped through a backend", "internal/decl internal/root"},
	"internal/recall":      {"looks into all roots and brings back; apart from archive, which the initrd's program links", "internal/decl internal/noise internal/plan internal/review internal/root internal/sys"},
	"internal/live":        {"changes a running machine: its declaration, what is in place, and the next boot together", "internal/decl internal/config internal/facts internal/plan internal/apply internal/sys"},
	"internal/history":     {"reads what was applied before, from a store", "internal/decl internal/plan internal/sys"},
	"internal/orphans":     {"looks through stores", "internal/decl internal/history internal/plan internal/sys"},
	"internal/explain":     {"answers for one path, from all that is known of it", "internal/decl internal/facts internal/history internal/plan internal/apply internal/boot internal/sys"},
	"internal/boot":        {"runs in the initrd: never config, ui or install", "internal/decl internal/apply internal/archive internal/plan internal/root internal/sys"},
	"internal/watch":       {"sees to kept state while the machine runs, with what the initrd's program has: never config or ui", "internal/decl internal/apply internal/boot internal/plan internal/sys"},
	"internal/install":     {"everything below", "internal/decl internal/config internal/facts internal/root internal/sys"},
	"internal/status":      {"compares the declaration, the plan and the boot record with the machine", "internal/decl internal/plan internal/apply internal/boot internal/report internal/root internal/sys internal/watch"},
	"internal/sandbox":     {"lives through boots with the real engine", "internal/config internal/facts internal/plan internal/apply internal/boot internal/recall internal/root internal/sys"},
	"internal/trial":       {"runs a command in a copy and looks at what it left", "internal/changes internal/review internal/sys"},
	"internal/ui":          {"renders values only", "internal/decl internal/explain internal/live internal/orphans internal/plan internal/recall internal/report internal/review internal/status internal/suggest internal/trial internal/watch"},
	"internal/desktop":     {"tests only: what programs of desktops see", ""},
	"internal/golden":      {"a helper of tests", ""},
	"internal/nstest":      {"a helper of tests", "internal/sys"},
	"internal/zfstest":     {"a helper of tests", "internal/sys"},
	"cmd/anicca":           {"the door", "*"},
	"cmd/anicca-init":      {"a few lines around boot", "internal/boot internal/sys"},
	"internal/ui/progress": {"a clock beside what shows values", "internal/ui"},
	"internal/ui/screen":   {"a review on a terminal: shows values and asks, touches no disk", "internal/decl internal/noise internal/review internal/ui"},
}

// owned are packages from outside that only one room may use.
var owned = map[string]struct {
	owners string
	why    string
}{
	"cuelang.org/":             {"internal/config", "so that another language could replace CUE"},
	"github.com/spf13/":        {"cmd/anicca", "flags belong to the door"},
	"golang.org/x/sys/":        {"internal/sys", "kernel oddities live in one room"},
	"os/exec":                  {"internal/sys internal/nstest", "programs are run by the hands"},
	"github.com/cyphar/":       {"internal/sys", "paths inside roots are the hands' matter"},
	"github.com/moby/sys/":     {"internal/facts internal/sys", "parsers of what is"},
	"github.com/bmatcuk/":      {"internal/noise", "patterns of paths"},
	"golang.org/x/term":        {"internal/ui", "the terminal"},
	"github.com/coreos/":       {"internal/tell", "D-Bus never comes into the initrd"},
	"github.com/godbus/":       {"internal/tell", "D-Bus never comes into the initrd"},
	"github.com/rogpeppe/":     {"internal/recall", "texts are compared there; all else of it is for tests"},
	"pgregory.net/":            {"", "a test library"},
	"github.com/google/go-cmp": {"internal/golden", "a test library"},
	"golang.org/x/tools/":      {"internal/golden", "a test library"},

	"charm.land/":               {"internal/ui/screen", "whole screens"},
	"github.com/charmbracelet/": {"internal/ui/screen", "whole screens"},
	"github.com/creack/":        {"", "a test library"},
}

// pure packages have no clock, no disk, no environment.
var pure = map[string][]string{
	"internal/decl":    {"os", "io/fs", "time", "net", "syscall"},
	"internal/noise":   {"os", "io/fs", "time", "net", "syscall"},
	"internal/plan":    {"os", "io/fs", "time", "net", "syscall"},
	"internal/review":  {"os", "io/fs", "time", "net", "syscall"},
	"internal/report":  {"os", "io/fs", "time", "net", "syscall"},
	"internal/suggest": {"os", "io/fs", "time", "net", "syscall"},
	"internal/ui":      {"time", "net", "syscall"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	var out, problems bytes.Buffer
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("go list: %v\n%s", err, problems.String())
	}
	var all []pkg
	for dec := json.NewDecoder(&out); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestLayers(t *testing.T) {
	seen := 0
	for _, p := range list(t, "./cmd/...", "./internal/...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		layer, ok := layers[name]
		if !ok {
			t.Errorf("%s is in no layer: add it to the table, with a reason", name)
			continue
		}
		seen++
		allowed := strings.Fields(layer.allow)
		for _, i := range p.Imports {
			if own, ok := strings.CutPrefix(i, module); ok {
				if layer.allow != "*" && !slices.Contains(allowed, own) {
					t.Errorf("%s imports %s: %s", name, own, layer.why)
				}
				continue
			}
			for prefix, o := range owned {
				if strings.HasPrefix(i, prefix) && !slices.Contains(strings.Fields(o.owners), name) {
					t.Errorf("%s imports %s, which belongs to %q: %s", name, i, o.owners, o.why)
				}
			}
			if slices.Contains(pure[name], i) {
				t.Errorf("%s imports %s, and is pure", name, i)
			}
		}
	}
	if seen != len(layers) {
		t.Errorf("the table has %d packages, the tree %d", len(layers), seen)
	}
}

// What the initrd carries is small and knows no configuration language, no command line library and no D-Bus.
func TestInitrdProgramLinksLittle(t *testing.T) {
	for _, p := range list(t, "-deps", "./cmd/anicca-init") {
		for _, no := range []string{"cuelang.org/", "github.com/spf13/", "github.com/coreos/", "github.com/godbus/", "net/http", "anicca/internal/config", "anicca/internal/ui", "anicca/internal/install"} {
			if strings.HasPrefix(p.ImportPath, no) {
				t.Errorf("anicca-init links %s", p.ImportPath)
			}
		}
	}
}
