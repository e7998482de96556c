package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/plan"
)

const redPasswd, redGroup = "root:x:0:0::/root:/bin/sh\nred:x:117:117::/:/bin/false\n", "root:x:0:\nred:x:117:\n"

// newNumbered is a machine that keeps data of the user red, who is 117 in its base, and that runs.
func newNumbered(t *testing.T, steps []plan.Step) (*disk, *Record) {
	t.Helper()
	nstest.NeedIDs(t)
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/base/1/etc/passwd", redPasswd)
	d.write("anicca/base/1/etc/group", redGroup)
	must(t, os.Chown(filepath.Join(d.dir, "store/srv/data/f"), 117, 117))
	d.declare(decl.ResetOn, steps)
	r := d.finish(d.restart(nil))
	if !r.OK() {
		t.Fatalf("%q", r.Problems)
	}
	return d, r
}

var data = plan.Step{Kind: plan.Bind, Path: "/srv/data", Dir: true}

// A new base has given accounts other numbers: that is a problem of the boot, in the initrd already, where it stops a strict one, and in
// the booted system, until the user has decided.
func TestNewBaseHasOtherIDs(t *testing.T) {
	for what, c := range map[string]struct{ passwd, want string }{
		"another number":        {strings.Replace(redPasswd, "117:117", "118:118", 1), "the user red was 117 when its data was kept, and is 118 now"},
		"its number is another": {strings.Replace(redPasswd, "red", "blue", 1), "the user red was 117 when its data was kept, and is gone; 117 is blue's now"},
		"gone":                  {"root:x:0:0::/root:/bin/sh\n", ""},
		"one is new":            {redPasswd + "blue:x:118:118::/:/bin/false\n", ""},
	} {
		t.Run(what, func(t *testing.T) {
			d, _ := newNumbered(t, []plan.Step{data})
			d.unmount()
			d.write("anicca/base/1/etc/passwd", c.passwd)
			r := d.restart(nil)
			if c.want == "" != r.OK() || c.want != "" && (!said(r, c.want) || !r.grave()) {
				t.Fatalf("in the initrd: %q", r.Problems)
			}
			for range 2 { // it does not go away by itself
				r = d.finish(r)
				if c.want == "" != r.OK() || c.want != "" && !said(r, c.want) || len(r.Problems) > 1 {
					t.Fatalf("in the booted system: %q", r.Problems)
				}
			}
			if c.want == "" {
				return
			}
			b, _, err := apply.Applied(d.root, []decl.Store{{Path: "/persist"}})
			must(t, err)
			_, err = apply.GiveIDs(d.root, "/persist", b)
			must(t, err)
			if r = d.finish(d.restart(nil)); !r.OK() {
				t.Errorf("decided: %q", r.Problems)
			}
			s, err := d.root.Stat("/srv/data/f")
			must(t, err)
			if what == "another number" && s.Uid != 118 || what != "another number" && s.Uid != 117 {
				t.Errorf("owner %d", s.Uid)
			}
		})
	}
}

// An account whose number owns nothing here is no problem once that was looked at, and is not told again.
func TestOtherIDsOfNothing(t *testing.T) {
	d, _ := newNumbered(t, []plan.Step{data})
	must(t, os.Chown(filepath.Join(d.dir, "store/srv/data/f"), 0, 0))
	d.unmount()
	d.write("anicca/base/1/etc/passwd", strings.Replace(redPasswd, "117:117", "118:118", 1))
	d.write("anicca/base/1/etc/group", strings.Replace(redGroup, "117", "118", 1))
	if r := d.finish(d.restart(nil)); !r.OK() {
		t.Errorf("%q", r.Problems)
	}
	if r := d.restart(nil); !r.OK() {
		t.Errorf("the boot after it: %q", r.Problems)
	}
}

// Where the accounts are carried, a base changes nothing; what the session does to them is told by the booted system, and stops no boot.
func TestCarriedIDs(t *testing.T) {
	d, _ := newNumbered(t, []plan.Step{data, {Kind: plan.Carry, Path: "/etc/passwd"}, {Kind: plan.Carry, Path: "/etc/group"}})
	d.replace("/etc/passwd", redPasswd) // of another mode: else the old root shows the base's, which is changed here in place
	d.replace("/etc/group", redGroup)
	d.restart(nil)
	d.both("/etc/passwd", redPasswd)
	d.unmount()
	d.write("anicca/base/1/etc/passwd", strings.Replace(redPasswd, "117:117", "118:118", 1))
	d.write("anicca/base/1/etc/group", strings.Replace(redGroup, "117", "118", 1))
	r := d.finish(d.restart(nil))
	d.both("/etc/passwd", redPasswd)
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
	d.replace("/etc/passwd", strings.Replace(redPasswd, "117:117", "119:117", 1))
	r = d.restart(nil)
	if !r.OK() {
		t.Errorf("in the initrd: %q", r.Problems)
	}
	if r = d.finish(r); !said(r, "the user red was 117 when its data was kept, and is 119 now") {
		t.Errorf("in the booted system: %q", r.Problems)
	}
}

// The power went while data was given on.
func TestMovingIsTold(t *testing.T) {
	d, _ := newNumbered(t, []plan.Step{data})
	d.write("store/"+decl.IDsFile, `{"format":1,"users":{"red":117},"groups":{},"moving":{"users":{"117":118}}}`)
	if r := d.restart(nil); !said(r, "run 'anicca apply --ids give'") {
		t.Errorf("%q", r.Problems)
	}
}
