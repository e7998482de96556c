package live_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/config"
	"anicca/internal/live"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Three stores on filesystems of their own, and an entry in an entry in an entry, the innermost written first.
const nestedDeclaration = `root: backend: "overlay"
persist: {
	"/third": directories: "/var/lib/app/cache/deep": {}
	"/bulk": directories: "/var/lib/app/cache": {}
	"/persist": directories: "/var/lib/app": {}
}
`

var nestedFiles = map[string]string{
	"/var/lib/app/a": "a\n", "/var/lib/app/cache/b": "b\n", "/var/lib/app/cache/deep/c": "c\n",
}

var nestedStores = map[string]string{"/var/lib/app": "/persist", "/var/lib/app/cache": "/bulk", "/var/lib/app/cache/deep": "/third"}

type nested struct {
	*machine
	files map[string]string // what has to be read at every path
}

func newNested(t *testing.T) nested {
	t.Helper()
	m := nested{newMachine(t), maps.Clone(nestedFiles)}
	c, err := live.Forget(m.Machine, all(), live.Delete, time.Now())
	must(t, err)
	must(t, c.Run(nil))
	for p, text := range nestedFiles {
		must(t, os.MkdirAll(filepath.Dir(m.Root.Path(p)), 0o755))
		m.write(p, text)
	}
	must(t, os.WriteFile(filepath.Join(m.dir, "decl/a.cue"), []byte(nestedDeclaration), 0o644))
	for _, s := range []string{"bulk", "third"} {
		must(t, m.disk.MkdirAll(s, func(string) sys.Perm { return sys.Mine(0o755) }))
		must(t, m.disk.Mount(s, s, "tmpfs", nil, "mode=0755"))
		must(t, m.Root.MkdirAll(s, func(string) sys.Perm { return sys.Mine(0o755) }))
	}
	m.stores()
	return m
}

func (m nested) stores() {
	m.t.Helper()
	for _, s := range []string{"bulk", "third"} {
		must(m.t, sys.Bind(m.disk, s, m.Root, "/"+s, nil))
	}
}

func (m nested) plan() *plan.Plan {
	m.t.Helper()
	host, err := config.Load(m.Declaration)
	must(m.t, err)
	f, err := m.facts(host)
	must(m.t, err)
	return plan.Make(host, f)
}

func (m nested) apply() {
	m.t.Helper()
	p := m.plan()
	if len(p.Conflicts) > 0 {
		m.t.Fatalf("%+v", p.Conflicts)
	}
	must(m.t, apply.Run(m.Root, p, nil))
}

// stands checks that every file is at its path, and that what lies there is the kept copy of the innermost entry around it.
func (m nested) stands(when string, without ...string) {
	m.t.Helper()
	in := maps.Clone(nestedStores)
	for _, p := range without {
		delete(in, p)
	}
	for p, text := range m.files {
		if got := m.read(p); got != text {
			m.t.Errorf("%s: %s is %q", when, p, got)
		}
	}
	for p, store := range in {
		if ok, err := sys.MountedFrom(m.Root, store+p, m.Root, p); !ok || err != nil {
			m.t.Errorf("%s: %s does not show %s: %v", when, p, store+p, err)
		}
	}
}

func TestNestedStores(t *testing.T) {
	m := newNested(t)
	m.apply()
	m.stands("applied")
	if p := m.plan(); len(p.Steps) > 0 || len(p.Conflicts) > 0 {
		t.Errorf("applied, and there is something to do: %+v %+v", p.Steps, p.Conflicts)
	}
	for p, text := range m.files { // what is mounted and what it hides are not the same any more
		m.files[p] = strings.ToUpper(text)
		m.write(p, m.files[p])
	}
	m.stop()
	m.start()
	m.stores()
	m.boot()
	m.stands("booted")

	// Forgetting the outer one waits for the inner ones; forgetting an inner one leaves its data in the outer.
	c, err := live.Forget(m.Machine, []string{"/var/lib/app"}, live.Leave, time.Now())
	must(t, err)
	if w := c.Taken[0].Waits; !strings.Contains(w, "/var/lib/app/cache") || !strings.Contains(w, "is mounted in it") {
		t.Errorf("forgetting the outer one: %+v", c.Taken[0])
	}
	deep := "/var/lib/app/cache/deep"
	if c, err = live.Forget(m.Machine, []string{deep}, live.Leave, time.Now()); err != nil {
		t.Fatal(err)
	}
	must(t, c.Run(nil))
	m.stands("forgotten", deep)
	if got := m.read("/bulk/var/lib/app/cache/deep/c"); got != "C\n" {
		t.Errorf("in the store of the entry around it: %q", got)
	}

	// Declared again, its copy that was left is the same, and is taken.
	must(t, os.WriteFile(filepath.Join(m.dir, "decl/a.cue"), []byte(nestedDeclaration), 0o644))
	m.apply()
	m.stands("kept again")
}

// An entry around one that is in place is refused with what to do instead, and that works.
func TestOuterAfterInner(t *testing.T) {
	m := newNested(t)
	outer := `"/persist": directories: "/var/lib/app": {}`
	must(t, os.WriteFile(filepath.Join(m.dir, "decl/a.cue"), []byte(strings.Replace(nestedDeclaration, outer, `"/persist": directories: "/srv/other": {}`, 1)), 0o644))
	m.apply()
	must(t, os.WriteFile(filepath.Join(m.dir, "decl/a.cue"), []byte(nestedDeclaration), 0o644))
	p := m.plan()
	if len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0].Msg, "/var/lib/app/cache is mounted in it") || !strings.Contains(p.Conflicts[0].Hint, "'anicca forget /var/lib/app/cache'") {
		t.Fatalf("%+v", p.Conflicts)
	}
	for _, p := range []string{"/var/lib/app/cache/deep", "/var/lib/app/cache"} {
		c, err := live.Forget(m.Machine, []string{p}, live.Leave, time.Now())
		must(t, err)
		must(t, c.Run(nil))
	}
	m.apply()
	must(t, os.WriteFile(filepath.Join(m.dir, "decl/a.cue"), []byte(nestedDeclaration), 0o644))
	m.apply()
	m.stands("kept again")
}
