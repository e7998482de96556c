package live_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/config"
	"anicca/internal/live"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// A store whose disk has become read-only, or was unplugged, keeps nobody from keeping elsewhere, and the next boots go on to know what
// it keeps. What needs it is refused.
func TestKeepWhileAnotherStoreCannotBeUsed(t *testing.T) {
	m := newMachine(t)
	for p, text := range map[string]string{
		"decl/b.cue":  "persist: \"/spare\": directories: \"/srv/spared\": {}\n",
		"spare/.keep": "", "m/spare/.keep": "", "m/srv/spared/f": "f\n", "m/srv/first/f": "f\n", "m/srv/second/f": "f\n",
	} {
		p = filepath.Join(m.dir, p)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(text), 0o644))
	}
	must(t, sys.Bind(m.disk, "spare", m.Root, "/spare", nil))
	host, err := config.Load(m.Declaration)
	must(t, err)
	f, err := m.facts(host)
	must(t, err)
	must(t, apply.Run(m.Root, plan.Make(host, f), nil))

	for _, when := range []string{"unplugged", "read-only"} {
		p := map[string]string{"read-only": "/srv/first", "unplugged": "/srv/second"}[when]
		if m.Root.IsMounted("/spare") {
			must(t, m.Root.Unmount("/spare", false))
		}
		if when == "read-only" {
			must(t, sys.Bind(m.disk, "spare", m.Root, "/spare", []string{"ro"}))
		}
		c, err := live.Keep(m.Machine, []string{p}, "/spare")
		must(t, err)
		if len(c.Plan.Conflicts) != 1 || c.Plan.Conflicts[0].Path != "/spare" || len(c.Plan.Steps) > 0 {
			t.Errorf("%s: to be kept there: %+v", when, c.Plan)
		}
		c, err = live.Keep(m.Machine, []string{p}, "")
		must(t, err)
		if len(c.Plan.Conflicts) > 0 {
			t.Fatalf("%s: %+v", when, c.Plan.Conflicts)
		}
		must(t, c.Run(nil))
		if !m.inPlace(p) || m.read(p+"/f") != "f\n" {
			t.Errorf("%s: %s is not kept", when, p)
		}
		var kept []string
		for _, s := range m.current().Entries {
			kept = append(kept, s.Path)
		}
		if !slices.Contains(kept, p) || !slices.Contains(kept, "/srv/spared") {
			t.Errorf("%s: the next boot keeps %s", when, strings.Join(kept, " "))
		}
	}
	must(t, m.Root.Unmount("/spare", true))
	if _, err := live.Forget(m.Machine, []string{"/srv/spared"}, live.Delete, time.Now()); err == nil || !strings.Contains(err.Error(), "its store /spare is not mounted") {
		t.Errorf("to be deleted from a store that is away: %v", err)
	}
	c, err := live.Forget(m.Machine, []string{"/srv/spared"}, live.Leave, time.Now())
	must(t, err)
	must(t, c.Run(nil))
	if c.Taken[0].None {
		t.Error("a store that is away is said to have nothing")
	}
}
