package boot

import (
	"os"
	"path/filepath"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/plan"
)

const carriedPath = "/etc/app/carried"

// newCarrier is a machine that carries files, after its first boot.
func newCarrier(t *testing.T) *disk {
	t.Helper()
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/base/1/etc/app/carried", "base\n")
	d.write("store/etc/app/carried", "kept\n")
	var steps []plan.Step
	for _, p := range []string{carriedPath, "/etc/new", "/etc/passwd", "/etc/shadow", "/etc/group"} {
		steps = append(steps, plan.Step{Kind: plan.Carry, Path: p})
	}
	d.write("store/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	d.write("store/etc/shadow", "root:*:19000:0:99999:7:::\n")
	d.write("store/etc/group", "root:x:0:\n")
	d.declare(decl.ResetOn, steps)
	d.restart(nil)
	d.want(carriedPath, "kept\n")
	return d
}

func (d *disk) aside(p string) []string {
	d.t.Helper()
	found, err := filepath.Glob(d.dir + "/store/.anicca/carry/aside/*" + p)
	must(d.t, err)
	var out []string
	for _, f := range found {
		data, err := os.ReadFile(f)
		must(d.t, err)
		out = append(out, string(data))
	}
	return out
}

// newPolicy is a machine that carries one file with what the declaration says of it, after its first boot.
func newPolicy(t *testing.T, s plan.Step) *disk {
	t.Helper()
	d := newCarrier(t)
	s.Kind, s.Path = plan.Carry, carriedPath
	d.declare(decl.ResetOn, []plan.Step{s})
	d.restart(nil)
	d.both(carriedPath, "kept\n")
	return d
}

// carrying is the step that carries a file.
func carrying(p string) plan.Step {
	return plan.Step{Kind: plan.Carry, Path: p, Store: "/persist", Source: "/persist" + p}
}

// applying is the same in the running session, as a plan has it.
func (d *disk) applying(p string) plan.Step {
	d.t.Helper()
	s := carrying(p)
	s.Main, s.Root = "/persist", d.current()
	return s
}

// current is the identity of the running root.
func (d *disk) current() string {
	d.t.Helper()
	id, err := d.backend.Current()
	must(d.t, err)
	return id
}

// newTwoStores is a machine that carries /etc/two, which a second store keeps, on a disk of its own.
func newTwoStores(t *testing.T, change func(*plan.Boot)) *disk {
	t.Helper()
	d := newDisk(t, decl.ResetOn)
	d.write("second/etc/two", "kept\n")
	b := &plan.Boot{
		Format: plan.Format, Host: "nest", Reset: decl.ResetOn,
		Stores:  []plan.BootStore{{Path: "/persist"}, {Path: "/second"}},
		Entries: []plan.Step{{Kind: plan.Carry, Path: "/etc/two", Store: "/second", Source: "/second/etc/two"}},
	}
	if change != nil {
		change(b)
	}
	d.apply(b)
	return d
}

// bootTwo boots it, with its second store or without.
func (d *disk) bootTwo(there bool) *Record {
	d.t.Helper()
	r := d.start(nil)
	if there {
		d.show("second", "/second")
	} else {
		r.Absent = []string{"/second"}
	}
	d.persist(r)
	must(d.t, noteBooted(d.root, r))
	return r
}
