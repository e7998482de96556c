package boot

import (
	"slices"
	"strings"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// A version that is put aside lies in the main store, the kept copy in another: the name of the one is on the disk before the other goes.
func TestCarryAsideIsOnTheDiskFirst(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("second/etc/two", "kept\n")
	b := &plan.Boot{
		Format: plan.Format, Host: "nest", Reset: decl.ResetOn, Stores: []plan.BootStore{{Path: "/persist"}, {Path: "/second"}},
		Entries: []plan.Step{{Kind: plan.Carry, Path: "/etc/two", Store: "/second", Source: "/second/etc/two"}},
	}
	d.mount()
	must(t, apply.Run(d.root, &plan.Plan{Steps: []plan.Step{{Kind: plan.Record, Path: "/persist/.anicca/current", Store: "/persist", Boot: b}}}, nil))
	d.unmount()
	boot := func() {
		r := d.reset(nil)
		d.mount()
		top, err := sys.OpenTree(d.dir)
		must(t, err)
		defer top.Close()
		must(t, d.root.MkdirAll("/second", func(string) sys.Perm { return sys.Mine(0o755) }))
		must(t, sys.Bind(top, "second", d.root, "/second", nil))
		d.persist(r)
		must(t, noteBooted(d.root, r))
	}
	boot()
	must(t, d.root.Remove("/etc/two"))
	at := d.root.Name()
	d.unmount()
	var ops []string
	defer func() { sys.Fault = nil }()
	sys.Fault = func(op, p string) error {
		ops = append(ops, op+" "+strings.TrimPrefix(p, at))
		return nil
	}
	boot()
	sys.Fault = nil
	d.unmount()
	removed := slices.Index(ops, "remove /second/etc/two")
	aside := slices.IndexFunc(ops, func(s string) bool {
		return strings.HasPrefix(s, "rename /persist/.anicca/carry/aside/") && strings.HasSuffix(s, "/etc/two")
	})
	if aside < 0 || removed < aside {
		t.Fatalf("what was deleted was not put aside:\n%s", strings.Join(ops, "\n"))
	}
	if !slices.ContainsFunc(ops[aside:removed], func(s string) bool { return strings.HasPrefix(s, "sync /persist") }) {
		t.Errorf("a power cut may leave neither:\n%s", strings.Join(ops[aside:removed+1], "\n"))
	}
}
