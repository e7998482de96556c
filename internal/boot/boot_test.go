package boot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/plan"
)

func TestMain(m *testing.M) {
	nstest.Enter()
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestResetForgets(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	r := d.reset(nil)
	if r.Outcome != Done || !r.OK() || !d.forgot() || d.old() != 1 {
		t.Errorf("%+v, forgot %v, %d old roots", r, d.forgot(), d.old())
	}
}

// In each of these, the root stays as it is, nothing is put away, and a sentence says why.
func TestRootIsKept(t *testing.T) {
	cases := map[string]struct {
		reset   decl.Reset
		change  func(*Machine)
		spoil   func(*disk)
		outcome Outcome
		why     string
		ok      bool
	}{
		"observe":         {reset: decl.ResetObserve, outcome: Kept, why: "observe", ok: true},
		"off":             {reset: decl.ResetOff, outcome: Kept, why: "off", ok: true},
		"anicca=keep":     {reset: decl.ResetOn, change: cmdline("quiet anicca=keep"), outcome: Kept, why: "anicca=keep", ok: true},
		"anicca=off":      {reset: decl.ResetOn, change: cmdline("anicca=keep anicca=off"), outcome: Off, why: "anicca=off", ok: true},
		"unknown switch":  {reset: decl.ResetOn, change: cmdline("anicca=kepe"), outcome: Kept, why: "not understood"},
		"kernel upgraded": {reset: decl.ResetOn, change: func(m *Machine) { m.Kernel = "6.1.0-2" }, outcome: Refused, why: "no modules for the running kernel 6.1.0-2"},
		"no store": {
			reset: decl.ResetOn, outcome: Failed, why: "the store is missing",
			spoil: func(d *disk) { must(d.t, os.Rename(d.dir+"/store", d.dir+"/gone")) },
		},
		"never applied": {
			reset: decl.ResetOn, outcome: Failed, why: "run 'anicca apply'",
			spoil: func(d *disk) { must(d.t, os.Remove(d.dir+"/store/.anicca/current")) },
		},
		"boot plan torn": {
			reset: decl.ResetOn, outcome: Failed, why: "boot plan",
			spoil: func(d *disk) { d.write("store/.anicca/generations/1/boot.json", `{"format":1,"ent`) },
		},
		"boot plan of a later program": {
			reset: decl.ResetOn, outcome: Failed, why: "format 99",
			spoil: func(d *disk) { d.write("store/.anicca/generations/1/boot.json", `{"format":99}`) },
		},
		"no base": {
			reset: decl.ResetOn, outcome: Failed, why: "base",
			spoil: func(d *disk) { must(d.t, os.Rename(d.dir+"/anicca/base/1", d.dir+"/gone")) },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t, c.reset)
			if c.spoil != nil {
				c.spoil(d)
			}
			r := d.reset(c.change)
			if r.Outcome != c.outcome || !strings.Contains(r.Why, c.why) {
				t.Errorf("%s: %q, want %s: %q", r.Outcome, r.Why, c.outcome, c.why)
			}
			if r.OK() != c.ok || !c.ok && len(r.Problems) == 0 {
				t.Errorf("OK is %v, problems %q", r.OK(), r.Problems)
			}
			if d.forgot() || d.old() != 0 {
				t.Error("the root was not kept")
			}
		})
	}
}

func TestPersist(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	r := d.boot(nil)
	if !r.OK() {
		t.Fatalf("%+v", r)
	}
	for p, want := range map[string]string{
		"/srv/data/f": "kept\n", "/etc/bind": "kept\n", "/persist/etc/link": "kept\n", decl.MachineID: "0123\n", "/etc/issue": "base\n",
	} {
		if got := d.read(p); got != want {
			t.Errorf("%s: %q", p, got)
		}
	}
	if link, err := d.root.Readlink("/etc/link"); err != nil || link != "/persist/etc/link" {
		t.Errorf("link to %s, %v", link, err)
	}
	if r.state("/etc/later") != Waiting || r.state("/etc/bind") != Placed {
		t.Errorf("states: %+v", r.Entries)
	}
}

// A declared file that a program made after the last apply is not lost.
func TestPersistAdoptsFromTheOldRoot(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/upper/etc/later", "made later\n")
	r := d.boot(nil)
	if !r.OK() || r.state("/etc/later") != Placed {
		t.Errorf("%+v", r)
	}
	for _, p := range []string{"/etc/later", "/persist/etc/later"} {
		if got := d.read(p); got != "made later\n" {
			t.Errorf("%s: %q", p, got)
		}
	}
}

// One entry that fails does not stop the others.
func TestPersistGoesOn(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	must(t, os.RemoveAll(d.dir+"/store/srv/data"))
	r := d.boot(nil)
	if r.OK() || r.state("/srv/data") != Missed || r.state("/etc/bind") != Placed {
		t.Errorf("%+v", r)
	}
	if !slices.ContainsFunc(r.Problems, func(s string) bool { return strings.Contains(s, "/srv/data is not kept in this session") }) {
		t.Errorf("problems: %q", r.Problems)
	}
}

// The base has a link by now where a directory above an entry was: nothing is put where that leads to, and it is said what to write.
func TestPersistFollowsNoLinkOfTheBase(t *testing.T) {
	bannerPath = filepath.Join(t.TempDir(), "motd.d/10-anicca")
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/base/1/real/.keep", "")
	must(t, os.Symlink("real", d.dir+"/anicca/base/1/opt"))
	d.write("store/opt/app/f", "kept\n")
	d.declare(decl.ResetOn, append([]plan.Step{{Kind: plan.Bind, Path: "/opt/app", Dir: true}}, entries...))
	r := d.finish(d.boot(nil))
	if r.state("/opt/app") != Missed || !slices.ContainsFunc(r.Problems, func(s string) bool { return strings.Contains(s, "declare the path that it leads to") }) {
		t.Errorf("%+v", r)
	}
	if r.state("/srv/data") != Placed || len(r.Notes) > 0 {
		t.Errorf("others: %+v", r)
	}
	if there, err := d.root.Exists("/real/app"); there || err != nil {
		t.Errorf("the link was followed: %v, %v", there, err)
	}
}

// In a root that was kept, a program may have replaced our link by a file. It is reported and not overwritten.
func TestPersistKeepsAReplacedLink(t *testing.T) {
	d := newDisk(t, decl.ResetObserve)
	d.write("anicca/upper/etc/link", "KEPT\n") // as long as the kept one
	r := d.boot(nil)
	if r.OK() || r.state("/etc/link") != Missed || d.read("/etc/link") != "KEPT\n" || d.read("/persist/etc/link") != "kept\n" {
		t.Errorf("%+v, %q", r, d.read("/etc/link"))
	}
}

func TestFinish(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	r := d.finish(d.boot(nil))
	if !r.Finished || !r.OK() {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(bannerPath); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a banner, and nothing is wrong")
	}
	must(t, d.root.Unmount("/srv/data", true))
	r = d.finish(r)
	if r.OK() || r.state("/srv/data") != Missed {
		t.Errorf("a lost mount was not noticed: %+v", r)
	}
	if banner, err := os.ReadFile(bannerPath); err != nil || !strings.Contains(string(banner), "/srv/data") {
		t.Errorf("banner: %q, %v", banner, err)
	}
}

// What the initrd could not put in place, because its data came late, the late service does.
func TestFinishPutsInPlaceWhatWasMissed(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	must(t, os.Rename(d.dir+"/store/srv/data", d.dir+"/late"))
	r := d.boot(nil)
	must(t, os.Rename(d.dir+"/late", d.dir+"/store/srv/data"))
	r = d.finish(r)
	if !r.OK() || r.state("/srv/data") != Placed || d.read("/srv/data/f") != "kept\n" {
		t.Errorf("%+v", r)
	}
}

// On NixOS the kernel's modules do not lie in the root: any kernel can be booted with any base.
func TestModulesOfNixOS(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/base/1/etc/NIXOS", "")
	if r := d.reset(func(m *Machine) { m.Kernel = "6.1.0-2" }); r.Outcome != Done {
		t.Errorf("%s: %s", r.Outcome, r.Why)
	}
}
