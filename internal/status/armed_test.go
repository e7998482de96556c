package status

import (
	"os"
	"slices"
	"strings"
	"testing"

	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// The next boot does what was applied; what is only written down arms nothing.
func TestArmed(t *testing.T) {
	tree, err := sys.OpenTree(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	for _, c := range []struct {
		declared decl.Reset
		applied  *plan.Boot
		armed    bool
	}{
		{decl.ResetOn, nil, false},
		{decl.ResetOn, &plan.Boot{Reset: decl.ResetObserve}, false},
		{decl.ResetOn, &plan.Boot{Reset: decl.ResetOn}, true},
		{decl.ResetOff, &plan.Boot{Reset: decl.ResetOn}, true},
	} {
		s := Make(Machine{Host: &decl.Host{Root: decl.Root{Reset: c.declared}}, Plan: &plan.Plan{}, Boot: c.applied, Tree: tree})
		if s.Armed != c.armed {
			t.Errorf("declared %s, applied %+v: armed %v", c.declared, c.applied, s.Armed)
		}
	}
}

// After 'anicca init' and before 'anicca apply', nothing false is said: not that a file is missing that is there, not that init has to be run.
func TestBeforeApply(t *testing.T) {
	tree, err := sys.OpenTree(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if err := os.MkdirAll(tree.Path("/etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tree.Path("/etc/passwd"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	entries := []decl.Entry{
		{Path: "/etc/passwd", Kind: decl.File, Method: decl.Carry, Store: "/persist"},
		{Path: "/srv", Kind: decl.Directory, Method: decl.Bind, Store: "/persist"},
	}
	p := &plan.Plan{Steps: []plan.Step{{Kind: plan.Carry, Path: "/etc/passwd"}, {Kind: plan.Adopt, Path: "/srv"}, {Kind: plan.Bind, Path: "/srv"}}}
	r := &boot.Record{Outcome: boot.Unset, Why: "anicca is not set up on /dev/x: run 'anicca init'"}
	booted := &Status{}
	booted.boot(r, true)
	s := Make(Machine{Host: &decl.Host{Stores: []decl.Store{{Path: "/persist", Entries: entries}}}, Plan: p, Tree: tree})
	if s.OK {
		t.Error("all is well, and nothing was applied")
	}
	said := strings.Join(slices.Concat(s.Problems, s.Notes, booted.Problems, []string{booted.Boot.Why}), "\n") + "\n"
	for _, no := range []string{"does not exist yet", "run 'anicca init'\n", "not in place", "no such file"} {
		if strings.Contains(said, no) {
			t.Errorf("says %q:\n%s", no, said)
		}
	}
	for _, yes := range []string{"the declaration is not applied: 3 steps to do: run 'anicca apply'", "set up after it had booted: reboot"} {
		if !strings.Contains(said, yes) {
			t.Errorf("does not say %q:\n%s", yes, said)
		}
	}
}
