package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/plan"
)

// late is a machine that has another store on a disk that the initrd cannot see, and filesystems that are mounted after it.
type late struct {
	*disk
	r *Record
}

// newLate boots it as far as the initrd comes.
func newLate(t *testing.T, need decl.Need, entries ...plan.Step) *late {
	t.Helper()
	d := &late{disk: newDisk(t, decl.ResetOn)}
	d.write("anicca/base/1/home/.keep", "")
	d.write("anicca/base/1/srv/films/old", "base\n") // what the base has at an entry is no reason not to cover it
	b := bootPlan(decl.ResetOn)
	b.Stores = []plan.BootStore{
		{Path: "/persist", Subvol: "store", Need: decl.Required}, {Path: "/bulk", Device: "/dev/not-there", FSType: "ext4", Need: need},
	}
	for _, s := range entries {
		s.Kind, s.Dir = plan.Bind, true
		if s.Store == "" {
			s.Store = "/persist"
		}
		s.Source = s.Store + s.Path
		b.Entries = append(b.Entries, s)
		d.write(map[string]string{"/persist": "store", "/bulk": "bulk"}[s.Store]+s.Path+"/f", "kept\n")
	}
	d.apply(b)
	d.r = d.start(nil)
	d.placed(d.r)
	must(t, mountStores(d.r, d.root, d.backend, b))
	d.persist(d.r)
	if d.r.grave() {
		t.Fatalf("in the initrd: %q", d.r.Problems)
	}
	return d
}

// attach mounts the other store, as fstab says.
func (d *late) attach() {
	d.t.Helper()
	d.show("bulk", "/bulk")
}

// cover mounts a filesystem at a directory, with a file in it.
func (d *late) cover(p, file string) {
	d.t.Helper()
	must(d.t, d.root.Mount("later", p, "tmpfs", nil, "mode=0755"))
	if file != "" {
		d.typed(file)
	}
}

// typed writes a file as programs of the session do.
func (d *late) typed(p string) {
	d.t.Helper()
	p = d.root.Path(p)
	must(d.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(d.t, os.WriteFile(p, []byte("typed\n"), 0o644))
}

func (d *late) later(finish func(dir, record string) (*Record, error)) {
	d.t.Helper()
	p := filepath.Join(d.t.TempDir(), "boot.json")
	must(d.t, d.r.Write(p))
	var err error
	d.r, err = finish(d.root.Name(), p)
	must(d.t, err)
}

// stands checks how an entry came out, and that its data is where it belongs.
func (d *late) stands(when, p string, state State, pass Pass) {
	d.t.Helper()
	for _, e := range d.r.Entries {
		if e.Path == p && (e.State != state || state == Placed && e.Pass != pass) {
			d.t.Errorf("%s: %s is %s by pass %q (%s), want %s by %q", when, p, e.State, e.Pass, e.Error, state, pass)
		}
	}
	if got := d.read(p + "/f"); (got == "kept\n") != (state == Placed) {
		d.t.Errorf("%s: %s is %s, and its file says %q", when, p, state, got)
	}
}

func (d *late) said(what string) bool { return said(d.r, what) }

// A store that keeps only what is late is not waited for: its entries come with it, before or after the ordinary services.
func TestLateStore(t *testing.T) {
	entries := []plan.Step{{Path: "/srv/films", Store: "/bulk", Phase: decl.PhaseLate}, {Path: "/srv/now", Phase: decl.PhaseLate}}
	t.Run("with the local filesystems", func(t *testing.T) {
		d := newLate(t, decl.Required, entries...)
		d.stands("initrd", "/srv/now", Placed, InInitrd)
		d.stands("initrd", "/srv/films", Absent, "")
		if !d.r.OK() || len(d.r.Notes) > 0 {
			t.Errorf("said in the initrd: %q %q", d.r.Problems, d.r.Notes)
		}
		d.attach()
		d.later(Finish)
		d.stands("finish", "/srv/films", Placed, Early)
		if !d.r.OK() || d.r.Open() {
			t.Errorf("%+v", d.r)
		}
	})
	t.Run("before logins", func(t *testing.T) {
		d := newLate(t, decl.Required, entries...)
		d.later(Finish)
		d.stands("finish", "/srv/films", Absent, "")
		if !d.r.OK() || !d.r.Open() {
			t.Errorf("%+v", d.r)
		}
		d.attach()
		d.later(FinishLate)
		d.stands("late", "/srv/films", Placed, Late)
		if !d.r.OK() || d.r.Open() {
			t.Errorf("%+v", d.r)
		}
		d.later(FinishLate) // nothing is left to do
		d.stands("again", "/srv/films", Placed, Late)
	})
	for need, ok := range map[decl.Need]bool{decl.Required: false, decl.Degraded: false, decl.Optional: true} {
		t.Run("never and "+string(need), func(t *testing.T) {
			d := newLate(t, need, entries...)
			d.later(Finish)
			d.later(FinishLate)
			if d.r.OK() != ok || !d.said("the store /bulk is not there") || d.r.Open() {
				t.Errorf("OK %v: %q %q", d.r.OK(), d.r.Problems, d.r.Notes)
			}
		})
	}
	t.Run("when a program has written there", func(t *testing.T) {
		d := newLate(t, decl.Required, entries...)
		d.later(Finish)
		d.typed("/srv/films/new")
		d.attach()
		d.later(FinishLate)
		if d.r.OK() || !d.said("/srv/films/new was written in this session") || d.read("/srv/films/new") != "typed\n" {
			t.Errorf("%q", d.r.Problems)
		}
	})
}

// A filesystem of its own on the way to an entry: the plan knows, and what would be covered is not put in place before.
func TestFilesystemOfItsOwn(t *testing.T) {
	in := plan.Step{Path: "/home/shared", Under: "/home"}
	t.Run("it is mounted", func(t *testing.T) {
		d := newLate(t, decl.Optional, in)
		d.stands("initrd", in.Path, Later, "")
		if there, err := d.root.Exists(in.Path); there || err != nil {
			t.Errorf("something was put below /home: %v", err)
		}
		d.cover("/home", "/home/shared/old") // from before it was kept; an apply has looked at it
		d.later(Finish)
		d.stands("finish", in.Path, Placed, Early)
		if !d.r.OK() {
			t.Errorf("%q", d.r.Problems)
		}
	})
	t.Run("it is not", func(t *testing.T) {
		d := newLate(t, decl.Optional, in)
		d.later(Finish)
		d.stands("finish", in.Path, Missed, "")
		if !d.said("/home/shared is not kept in this session: the filesystem of /home") {
			t.Errorf("%q", d.r.Problems)
		}
		d.cover("/home", "")
		d.later(FinishLate)
		d.stands("late", in.Path, Placed, Late)
		if !d.r.OK() {
			t.Errorf("what is well by now: %q", d.r.Problems)
		}
	})
	t.Run("it comes with the network", func(t *testing.T) {
		late := in
		late.Phase = decl.PhaseLate
		d := newLate(t, decl.Optional, late)
		d.later(Finish)
		d.stands("finish", in.Path, Later, "")
		if !d.r.OK() || !d.r.Open() {
			t.Errorf("%q", d.r.Problems)
		}
		d.cover("/home", "")
		d.later(FinishLate)
		d.stands("late", in.Path, Placed, Late)
	})
}

// Something is mounted that the plan did not know of: who covers what is said, and nothing populated is hidden.
func TestCovered(t *testing.T) {
	entry := plan.Step{Path: "/home/shared"}
	for name, c := range map[string]struct {
		at, file string
		placed   bool
		said     string
	}{
		"above and empty":       {at: "/home", placed: true, said: "/home/shared was covered: later (tmpfs), mounted at"},
		"above and populated":   {at: "/home", file: "/home/shared/theirs", said: "covers it with what lies there"},
		"over it and empty":     {at: "/home/shared", placed: true, said: "was covered"},
		"over it and populated": {at: "/home/shared", file: "/home/shared/theirs", said: "covers it with what lies there"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newLate(t, decl.Optional, entry)
			d.stands("initrd", entry.Path, Placed, InInitrd)
			d.cover(c.at, c.file)
			d.later(Finish)
			if !d.said(c.said) || d.r.OK() != c.placed {
				t.Errorf("%q %q", d.r.Problems, d.r.Notes)
			}
			if c.placed {
				d.stands("finish", entry.Path, Placed, Early)
				return
			}
			d.stands("finish", entry.Path, Missed, "")
			for range 2 { // neither now nor before logins
				if got := d.read(c.file); got != "typed\n" || !d.said(c.said) {
					t.Errorf("what lay there is hidden: %q, %q", got, d.r.Problems)
				}
				d.later(FinishLate)
			}
			must(t, d.root.Unmount(c.at, true))
			if got := d.read("/home/shared/f"); got != "kept\n" {
				t.Errorf("what the initrd had put in place is gone: %q", got)
			}
			if d.later(FinishLate); !d.r.OK() {
				t.Errorf("it was taken away again: %q", d.r.Problems)
			}
		})
	}
}

// An entry in an entry of another store comes after it, in whatever part of the boot that is.
func TestNestedEntries(t *testing.T) {
	t.Run("the outer one is late", func(t *testing.T) {
		d := newLate(t, decl.Required, plan.Step{Path: "/srv/out", Store: "/bulk", Phase: decl.PhaseLate}, plan.Step{Path: "/srv/out/in", Phase: decl.PhaseLate})
		d.stands("initrd", "/srv/out/in", Later, "")
		d.later(Finish)
		d.stands("finish", "/srv/out/in", Later, "")
		d.attach()
		d.later(FinishLate)
		d.stands("late", "/srv/out", Placed, Late)
		d.stands("late", "/srv/out/in", Placed, Late)
		if !d.r.OK() {
			t.Errorf("%q", d.r.Problems)
		}
	})
	t.Run("the outer one never comes", func(t *testing.T) {
		d := newLate(t, decl.Optional, plan.Step{Path: "/srv/out", Store: "/bulk", Phase: decl.PhaseLate}, plan.Step{Path: "/srv/out/in", Phase: decl.PhaseLate})
		d.later(Finish)
		d.later(FinishLate)
		d.stands("late", "/srv/out/in", Placed, Late)
	})
	t.Run("the outer one was missed", func(t *testing.T) {
		d := newLate(t, decl.Optional, plan.Step{Path: "/home/out"}, plan.Step{Path: "/home/out/in"}, plan.Step{Path: "/home/out/in/deep"})
		must(t, d.root.Unmount("/home/out/in/deep", true))
		must(t, d.root.Unmount("/home/out/in", true))
		must(t, d.root.Unmount("/home/out", true))
		for i := range d.r.Entries {
			d.r.Entries[i].State = Missed
		}
		d.later(Finish)
		for _, p := range []string{"/home/out", "/home/out/in", "/home/out/in/deep"} {
			d.stands("finish", p, Placed, Early)
		}
		must(t, d.root.Unmount("/home/out", true)) // with what is mounted in it
		d.later(Finish)
		if d.r.OK() || !d.said("/home/out was in place in the initrd and is not any more") {
			t.Errorf("%q", d.r.Problems)
		}
	})
}

// A store has the options of its mount in every boot, and what it keeps has them too.
func TestStoreHasItsOptions(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	r := d.reset(nil)
	d.mount()
	t.Cleanup(d.unmount)
	b := &plan.Boot{
		Stores:  []plan.BootStore{{Path: "/persist", Subvol: "store", Need: decl.Required, Options: []string{"nosuid", "noatime"}}},
		Entries: []plan.Step{{Kind: plan.Bind, Path: "/srv/data", Dir: true, Store: "/persist", Source: "/persist/srv/data"}},
	}
	must(t, mountStores(r, d.root, d.backend, b))
	persistAll(r, d.root, &earlier{}, b)
	for _, p := range []string{"/persist", "/srv/data"} {
		m, err := d.root.MountOf(p)
		must(t, err)
		if m.Mountpoint != d.root.Path(p) || !strings.Contains(m.Options, "nosuid") || !strings.Contains(m.Options, "noatime") {
			t.Errorf("%s: %s has %s", p, m.Mountpoint, m.Options)
		}
	}
}
