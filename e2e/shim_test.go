//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
)

func TestShim(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: builds and mounts disk images")
	}
	if _, err := exec.LookPath("linux.uml"); err != nil {
		t.Skip("needs linux.uml: apt-get install user-mode-linux")
	}
	for _, m := range []shimMachine{
		{kind: decl.Btrfs, root: "@rootfs", store: "@persist", flags: "rootfstype=btrfs rootflags=subvol=@rootfs,compress=zstd:1"},
		{kind: decl.Overlay, root: ".", store: "anicca/store", flags: "rootfstype=ext4"},
		{kind: decl.Tmpfs, root: ".", store: "anicca/store", flags: "rootfstype=ext4"},
	} {
		t.Run(string(m.kind), func(t *testing.T) {
			m.t, m.dir = t, t.TempDir()
			m.install()
			m.forgets()
			if m.kind == decl.Tmpfs { // the rest of it is the overlay's
				return
			}
			m.obeys()
			m.misses()
			if m.kind == decl.Btrfs {
				m.findsAnother()
				m.staysBehind()
				m.stops()
			}
			m.standsBack()
		})
	}
}

// forgets boots three times: what is not declared is gone, what is declared is there, and the old root is let go of.
func (m *shimMachine) forgets() {
	for n := range 3 {
		b := m.boot("hello", "word=passed")
		kept := strings.Repeat(".", n)
		m.want(b, boot.Done, `issue="base\n" junk=false kept="`+kept+`"`)
		m.rootIs(b, m.fresh())
		if r := b.record; !r.OK() || !r.Verified || len(r.Entries) != 2 || r.Entries[1].State != boot.Placed {
			m.t.Errorf("boot %d: %+v", n, r)
		}
		// The kernel's words reach the own init as if it had been started by the kernel.
		if want := `pid=1 args=["/sbin/init" "hello"] word="passed"`; b.init != want {
			m.t.Errorf("the own init: %s, want %s", b.init, want)
		}
	}
}

// obeys boots without a reset, and with an init of another name.
func (m *shimMachine) obeys() {
	b := m.boot("anicca=keep", "anicca.init=/usr/local/bin/other")
	m.want(b, boot.Kept, `issue="changed\n" junk=true kept="..."`)
	if want := `pid=1 args=["/usr/local/bin/other"] word=""`; b.init != want {
		m.t.Errorf("the own init: %s, want %s", b.init, want)
	}
}

// misses boots without the store: the old root is booted unwiped, and the record says why. With the store it goes on.
func (m *shimMachine) misses() {
	m.offline(func(top string) { run(m.t, "mv", top+"/"+m.store, top+"/"+m.store+".away") })
	b := m.boot()
	if b.record.Outcome != boot.Failed || !strings.Contains(b.record.Why, "store is missing") || !strings.Contains(b.found, `issue="changed\n" junk=true`) {
		m.t.Errorf("without the store: %s (%s), found %s\n%s", b.record.Outcome, b.record.Why, b.found, tail(strings.Join(b.lines, "\n")))
	}
	m.offline(func(top string) { run(m.t, "mv", top+"/"+m.store+".away", top+"/"+m.store) })
	m.want(m.boot(), boot.Done, `issue="base\n" junk=false kept="...."`)
}

// findsAnother boots with a store on another disk, which nobody has made links to.
func (m *shimMachine) findsAnother() {
	img := filepath.Join(m.dir, "another")
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Truncate(img, 64<<20); err != nil {
		m.t.Fatal(err)
	}
	run(m.t, "mkfs.ext4", "-q", img)
	m.offline(func(top string) {
		m.plan(top, func(b *plan.Boot) {
			device := "UUID=" + run(m.t, "blkid", "-s", "UUID", "-o", "value", img)
			b.Stores = append(b.Stores, plan.BootStore{Path: "/another", Device: device, FSType: "ext4", Need: decl.Required})
		})
	})
	found := `issue="base\n" junk=false kept="....."`
	m.more = " ubdb=" + img
	b := m.boot()
	m.want(b, boot.Done, found)
	if !slices.Contains(b.mounts, "/another ext4 /") {
		m.t.Errorf("the other store is not mounted: %q", b.mounts)
	}
	m.more = ""
	b = m.boot("anicca.wait=1")
	if b.record.Outcome != boot.Failed || !strings.Contains(b.record.Why, "the store /another is missing") {
		m.t.Errorf("without the other disk: %s (%s)", b.record.Outcome, b.record.Why)
	}
	if want := `issue="changed\n" junk=true kept="......"`; b.found != want { // what other stores keep is there
		m.t.Errorf("without the other disk: %s, want %s", b.found, want)
	}
	m.offline(func(top string) { m.plan(top, nil) })
}

// staysBehind boots into a new root that lacks what has to be carried there: the old one is booted, with kept state in place.
func (m *shimMachine) staysBehind() {
	m.base(func(base string) { run(m.t, "rmdir", base+"/run") })
	b := m.boot()
	if b.found != `issue="changed\n" junk=true kept="......."` || b.record.Outcome != boot.Failed || b.record.Verified ||
		!strings.Contains(b.record.Why, "could not move to the new root") || len(b.record.Entries) != 2 {
		m.t.Errorf("stayed behind: %s, %+v", b.found, b.record)
	}
	m.base(func(base string) { run(m.t, "mkdir", base+"/run") })
	m.offline(func(top string) { run(m.t, "mkdir", top+"/@rootfs/run") })
	m.want(m.boot(), boot.Done, `issue="base\n" junk=false kept="........"`)
}

// stops boots with something wrong where root.strict is declared: somebody gets a shell first.
func (m *shimMachine) stops() {
	m.offline(func(top string) {
		run(m.t, "btrfs", "property", "set", "-ts", top+"/anicca/base/1", "ro", "false")
		m.plan(top, func(b *plan.Boot) { b.Strict = true })
	})
	b := m.boot()
	m.want(b, boot.Failed, `issue="changed\n" junk=true kept="........."`)
	if !strings.Contains(b.record.Why, "base 1 is writable") {
		m.t.Errorf("the record does not say what is wrong: %s", b.record.Why)
	}
	if all := strings.Join(b.lines, "\n"); strings.Count(all, "REAL SHELL") != 1 || strings.Index(all, "REAL SHELL") > strings.Index(all, "REAL INIT") {
		m.t.Errorf("no shell before the own init:\n%s", tail(all))
	}
}

// base changes what the machine's resets return to, behind its back.
func (m *shimMachine) base(f func(base string)) {
	m.offline(func(top string) {
		base := top + "/anicca/base/1"
		run(m.t, "btrfs", "property", "set", "-ts", base, "ro", "false")
		f(base)
		run(m.t, "btrfs", "property", "set", "-ts", base, "ro", "true")
	})
}

// standsBack boots without anicca: the root is what the kernel has mounted, on btrfs the old root, elsewhere the base.
func (m *shimMachine) standsBack() {
	found := `issue="changed\n" junk=true kept=""`
	if m.kind == decl.Overlay {
		found = `issue="base\n" junk=false kept=""`
	}
	m.want(m.boot("anicca=off", "rw"), boot.Off, found)
}
