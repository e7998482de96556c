package boot

import (
	"slices"
	"strings"
	"testing"
)

// A version that is put aside lies in the main store, the kept copy in another: the name of the one is on the disk before the other goes.
func TestCarryAsideIsOnTheDiskFirst(t *testing.T) {
	d := newTwoStores(t, nil)
	d.bootTwo(true)
	must(t, d.root.Remove("/etc/two"))
	ops := d.operations(func() { d.bootTwo(true) })
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

// What the session has left is on the disk of its own store too, before it is noted that it was carried.
func TestCarrySecondStoreSync(t *testing.T) {
	d := newTwoStores(t, nil)
	d.bootTwo(true)
	d.replace("/etc/two", "session\n")
	ops := d.operations(func() { d.bootTwo(true) })
	if !slices.ContainsFunc(ops, func(s string) bool { return strings.HasPrefix(s, "sync /second") }) {
		t.Errorf("no sync of the second store:\n%s", strings.Join(ops, "\n"))
	}
}
