package status

import (
	"strings"
	"testing"
	"time"

	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
	"anicca/internal/watch"
)

// What the watcher could not heal is wrong; what it has healed is told; and it is missed where it does not run.
func TestWatch(t *testing.T) {
	tree, err := sys.OpenTree(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	host := &decl.Host{Stores: []decl.Store{{Path: "/persist", Entries: []decl.Entry{{Path: "/etc/x", Kind: decl.File, Method: decl.Carry, Store: "/persist"}}}}}
	done := []watch.Note{{When: time.Now(), Path: "/etc/link", What: "the link is back", By: "sed (pid 7)"}, {Path: "/etc/x", What: watch.Saved}}
	for name, c := range map[string]struct {
		watch         *Watch
		ram           bool
		problem, note string // "" for none about the watcher
	}{
		"healed":          {&Watch{Running: true, State: &watch.State{Done: done}}, false, "", "/etc/link, the link is back: changed by sed (pid 7)"},
		"not healed":      {&Watch{Running: true, State: &watch.State{Wrong: []watch.Note{{Path: "/srv", What: "holds data"}}}}, false, "/srv: holds data", ""},
		"died":            {&Watch{State: &watch.State{}}, false, "the watcher has died", ""},
		"stopped":         {&Watch{State: &watch.State{Ended: true}}, false, "", "does not run"},
		"never ran":       {&Watch{}, false, "", "at the next boot only"},
		"never ran, RAM":  {&Watch{}, true, "", "a power cut loses what this session has changed in carried files"},
		"not looked for":  {nil, false, "", ""},
		"runs, all quiet": {&Watch{Running: true, State: &watch.State{}}, false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &boot.Record{StorePath: "/persist", Outcome: boot.Done, Verified: true, Finished: true, RAM: c.ram}
			s := Make(Machine{Host: host, Plan: &plan.Plan{}, Record: r, Tree: tree, Watch: c.watch})
			problems, notes := strings.Join(s.Problems, "\n"), strings.Join(s.Notes, "\n")
			if !strings.Contains(problems, c.problem) || s.OK != (c.problem == "") {
				t.Errorf("problems %q, ok %v", problems, s.OK)
			}
			if !strings.Contains(notes, c.note) || c.note == "" && (strings.Contains(notes, "watcher") || strings.Contains(notes, "/etc/link")) {
				t.Errorf("notes %q", notes)
			}
			if strings.Contains(notes, watch.Saved) {
				t.Errorf("every saving is told: %q", notes)
			}
		})
	}
}
