package boot

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
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
	t.Cleanup(func() {
		sys.Fault = nil
		if d.root != nil {
			d.unmount()
		}
	})
	return d
}

// restart ends the session and boots; the machine stays on.
func (d *disk) restart(change func(*Machine)) *Record {
	d.t.Helper()
	if d.root != nil {
		d.unmount()
	}
	r := d.reset(change)
	d.mount()
	d.persist(r)
	must(d.t, noteBooted(d.root, r))
	must(d.t, apply.Heard(d.root, "/persist"))
	return r
}

func (d *disk) persist(r *Record) {
	d.t.Helper()
	s, done, err := openStore(d.backend, "store")
	must(d.t, err)
	defer done()
	b, err := apply.Current(s)
	must(d.t, err)
	last, err := readBooted(s)
	must(d.t, err)
	r.StorePath, r.at = "/persist", d.root.Name()
	Persist(r, d.backend, d.root, b, last)
}

// replace writes a file as editors do: another one takes its place.
func (d *disk) replace(p, text string) {
	d.t.Helper()
	p = filepath.Join(d.root.Name(), p)
	must(d.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(d.t, os.WriteFile(p+"+", []byte(text), 0o640))
	must(d.t, os.Rename(p+"+", p))
}

func (d *disk) want(p, text string) {
	d.t.Helper()
	if got := d.read(p); got != text {
		d.t.Errorf("%s: %q, want %q", p, got, text)
	}
}

// both expects the same in the root and in the store.
func (d *disk) both(p, text string) {
	d.t.Helper()
	d.want(p, text)
	d.want("/persist"+p, text)
}

func (d *disk) missing(p string) {
	d.t.Helper()
	for _, p := range []string{p, "/persist" + p} {
		if there, err := d.root.Exists(p); there || err != nil {
			d.t.Errorf("%s is there, %v", p, err)
		}
	}
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

func said(r *Record, text string) bool {
	return slices.ContainsFunc(slices.Concat(r.Problems, r.Notes), func(s string) bool { return strings.Contains(s, text) })
}

// What programs do to a file in a session is there in the next, whichever way they do it.
func TestCarry(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "replaced\n")
	d.replace("/etc/new", "")
	d.restart(nil)
	d.both("/etc/new", "")
	d.replace(carriedPath, "replaced\n")
	d.replace("/etc/new", "made\n")
	r := d.restart(nil)
	d.both(carriedPath, "replaced\n")
	d.both("/etc/new", "made\n")
	if s, err := d.root.Stat(carriedPath); err != nil || s.Perm() != 0o640 || !r.OK() {
		t.Errorf("mode %o, %v, %q", s.Perm(), err, r.Problems)
	}
	r = d.restart(nil)
	d.both(carriedPath, "replaced\n")
	if e := r.Entries[0]; e.State != Placed || e.Adopted || !r.OK() {
		t.Errorf("nothing was changed: %+v, %q", e, r.Problems)
	}

	// A mode alone is a change too.
	must(t, os.Chmod(filepath.Join(d.root.Name(), carriedPath), 0o600))
	d.restart(nil)
	if s, err := d.root.Stat("/persist" + carriedPath); err != nil || s.Perm() != 0o600 {
		t.Errorf("mode %o, %v", s.Perm(), err)
	}

	// The store was changed, by a backup: nobody has touched the root's.
	d.write("store"+carriedPath, "from a backup\n")
	d.restart(nil)
	d.both(carriedPath, "from a backup\n")

	// A link instead of a file, as of /etc/localtime.
	must(t, d.root.Remove(carriedPath))
	must(t, d.root.Symlink("/usr/share/zoneinfo/UTC", carriedPath))
	d.restart(nil)
	for _, p := range []string{carriedPath, "/persist" + carriedPath} {
		if link, err := d.root.Readlink(p); link != "/usr/share/zoneinfo/UTC" || err != nil {
			t.Errorf("%s: %s, %v", p, link, err)
		}
	}
}

// A deleted file stays away, although the base has one, until somebody makes it again.
func TestCarryHonoursDeletion(t *testing.T) {
	d := newCarrier(t)
	must(t, d.root.Remove(carriedPath))
	r := d.restart(nil)
	d.missing(carriedPath)
	if !said(r, "was deleted in the last session") || r.state(carriedPath) != Waiting || !r.OK() {
		t.Errorf("%+v", r)
	}
	if got := d.aside(carriedPath); !slices.Equal(got, []string{"kept\n"}) {
		t.Errorf("put aside: %q", got)
	}
	d.restart(nil)
	d.missing(carriedPath)
	d.replace(carriedPath, "again\n")
	d.restart(nil)
	d.both(carriedPath, "again\n")
}

// Both sides have changed: the session's is the one, the other is put aside, and that is said.
func TestCarryConflict(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "session\n")
	d.write("store"+carriedPath, "backup\n")
	r := d.restart(nil)
	d.both(carriedPath, "session\n")
	if got := d.aside(carriedPath); !slices.Equal(got, []string{"backup\n"}) || r.OK() || !said(r, "was changed on both sides") {
		t.Errorf("put aside: %q, %q", got, r.Problems)
	}
}

// A store that was filled from a backup, in a machine that was set up anew: the base's file is not a change of anybody's.
func TestCarryIntoAFreshRoot(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/base/1"+carriedPath, "base\n")
	d.write("store"+carriedPath, "from a backup\n")
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: carriedPath}})
	r := d.restart(nil)
	defer d.unmount()
	d.both(carriedPath, "from a backup\n")
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
}

// The root is kept for once, and its files are the last session's.
func TestCarryInAKeptRoot(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "one\n")
	d.restart(cmdline("anicca=keep"))
	d.both(carriedPath, "one\n")
	d.replace(carriedPath, "two\n")
	d.restart(nil)
	d.both(carriedPath, "two\n")
}

// The root becomes the base: the session's files are in that.
func TestCarryWhenTheRootBecomesTheBase(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "one\n")
	if _, err := d.backend.MakeBase(nil, time.Now()); !errors.Is(err, root.ErrNextBoot) {
		t.Fatal(err)
	}
	r := d.restart(nil)
	d.both(carriedPath, "one\n")
	if r.Made == nil || r.Made.Became != 2 || !r.OK() {
		t.Errorf("%+v", r)
	}
	d.replace(carriedPath, "two\n")
	d.restart(nil)
	d.both(carriedPath, "two\n")
}

// An account database that a power cut has left half-written, or empty, does not replace a good one, nor do the others of its set.
func TestCarryDamagedAccounts(t *testing.T) {
	for what, text := range map[string]string{
		"empty": "", "cut off": "root:x:0:0::/root:/bin/sh\nbird:x:1000:10", "without root": "bird:x:1000:1000::/home/bird:/bin/sh\n",
	} {
		t.Run(what, func(t *testing.T) {
			d := newCarrier(t)
			d.replace("/etc/passwd", text)
			d.replace("/etc/group", "root:x:0:\nbird:x:1000:\n")
			d.replace(carriedPath, "other\n")
			r := d.restart(nil)
			d.both("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
			d.both("/etc/group", "root:x:0:\n")
			d.both(carriedPath, "other\n")
			if r.OK() || !said(r, "the account files are damaged (/etc/passwd: ") || !slices.Equal(d.aside("/etc/passwd"), []string{text}) {
				t.Errorf("%q, put aside %q", r.Problems, d.aside("/etc/passwd"))
			}
			r = d.restart(nil)
			d.both("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
			if !r.OK() {
				t.Errorf("the boot after it: %q", r.Problems)
			}
		})
	}
}

// Accounts that were changed are carried together, and the sets before are kept, the last five.
func TestCarryAccounts(t *testing.T) {
	d := newCarrier(t)
	passwd := func(n int) string {
		return "root:x:0:0::/root:/bin/sh\nbird:x:" + strconv.Itoa(n) + ":1000::/home/bird:/bin/sh\n"
	}
	for n := range 8 {
		d.replace("/etc/passwd", passwd(1000+n))
		if r := d.restart(nil); !r.OK() {
			t.Fatalf("%q", r.Problems)
		}
		d.both("/etc/passwd", passwd(1000+n))
	}
	found, err := filepath.Glob(d.dir + "/store/.anicca/carry/accounts/*/etc/passwd")
	must(t, err)
	if len(found) != 5 {
		t.Fatalf("%d sets: %q", len(found), found)
	}
	if got, err := os.ReadFile(d.dir + "/store/.anicca/carry/accounts/8/etc/passwd"); err != nil || string(got) != passwd(1006) {
		t.Errorf("the set before: %q, %v", got, err)
	}
	if _, err := os.Stat(d.dir + "/store/.anicca/carry/accounts/8/etc/shadow"); err != nil {
		t.Error(err)
	}
}

// What older roots had is forgotten once a root has booted well, and only then.
func TestCarryPrunes(t *testing.T) {
	bannerPath = filepath.Join(t.TempDir(), "motd.d/10-anicca")
	d := newCarrier(t)
	d.replace(carriedPath, "one\n")
	r := d.restart(nil)
	dirs := func() int {
		names, err := os.ReadDir(d.dir + "/store/" + decl.PlacedDir)
		must(t, err)
		return len(names)
	}
	if dirs() != 2 {
		t.Errorf("%d roots are remembered before the root has booted well", dirs())
	}
	if r = d.finish(r); !r.OK() || dirs() != 1 {
		t.Errorf("%d roots are remembered: %q", dirs(), r.Problems)
	}
	d.replace(carriedPath, "two\n")
	d.restart(nil)
	d.both(carriedPath, "two\n")
}

// The power is cut at every call that changes something while files are carried. The boot after it has what the session had left.
func TestCarryCrashWalk(t *testing.T) {
	defer func() { sys.Fault = nil }()
	cut := errors.New("power cut")
	for name, session := range map[string]func(d *disk, text string){
		"changed": func(d *disk, text string) {
			d.replace(carriedPath, text)
			d.replace("/etc/passwd", "root:x:0:0:"+strings.TrimSpace(text)+":/root:/bin/sh\n")
		},
		"changed in the store": func(d *disk, text string) { d.write("store"+carriedPath, text) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newCarrier(t)
			for n := 1; ; n++ {
				text := strconv.Itoa(n) + "\n"
				session(d, text)
				d.unmount()
				r := d.reset(nil)
				d.mount()
				left, was := n, false
				sys.Fault = func(string, string) error {
					if left--; left <= 0 {
						was = true
						return cut
					}
					return nil
				}
				d.persist(r)
				sys.Fault = nil
				r = d.restart(nil)
				d.both(carriedPath, text)
				if !r.OK() || t.Failed() {
					t.Fatalf("after call %d: %q", n, r.Problems)
				}
				if name == "changed" {
					d.both("/etc/passwd", "root:x:0:0:"+strings.TrimSpace(text)+":/root:/bin/sh\n")
				}
				if got := d.aside(carriedPath); len(got) > 0 {
					t.Fatalf("after call %d: put aside: %q", n, got)
				}
				if !was {
					if n < 15 {
						t.Errorf("carrying made only %d calls: is the seam still used?", n-1)
					}
					return
				}
			}
		})
	}
}
