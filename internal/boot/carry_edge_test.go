package boot

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// A carried file replaced by a link to its kept copy (ln -sf, or method carry -> symlink -> carry in one session).
func TestCarryLinkToStore(t *testing.T) {
	d := newCarrier(t)
	must(t, d.root.Remove(carriedPath))
	must(t, d.root.Symlink("/persist"+carriedPath, carriedPath))
	d.restart(nil)
	d.want("/persist"+carriedPath, "kept\n")
	d.want(carriedPath, "kept\n")
}

// The power goes during the boot that carries a deletion.
func TestCarryCrashWalkDeleted(t *testing.T) {
	cut := errors.New("power cut")
	for n := 1; n < 60; n++ {
		d := newCarrier(t)
		must(t, d.root.Remove(carriedPath))
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
		d.restart(nil)
		if there, _ := d.root.Exists(carriedPath); there {
			got := d.read(carriedPath)
			d.restart(nil)
			t.Errorf("call %d: deleted file is back: %q; and in the store one boot later: %q", n, got, d.read("/persist"+carriedPath))
			d.unmount()
			return
		}
		d.unmount()
		d.root = nil
		if !was {
			return
		}
	}
}

// Deleted on both sides: the base's is back, and is adopted.
func TestCarryDeletedOnBothSides(t *testing.T) {
	d := newCarrier(t)
	must(t, d.root.Remove(carriedPath))
	must(t, os.Remove(d.dir+"/store"+carriedPath))
	d.restart(nil)
	d.missing(carriedPath)
	d.restart(nil)
	d.missing(carriedPath)
}

// The second store is not synced before what was placed is noted.
func TestCarrySecondStoreSync(t *testing.T) {
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
	d.replace("/etc/two", "session\n")
	d.unmount()
	var ops []string
	sys.Fault = func(op, p string) error {
		if op == "sync" || op == "rename" || op == "link" {
			ops = append(ops, op+" "+strings.TrimPrefix(p, d.dir))
		}
		return nil
	}
	boot()
	sys.Fault = nil
	d.unmount()
	for _, o := range ops {
		if strings.HasPrefix(o, "sync") && strings.Contains(o, "second") {
			return
		}
	}
	t.Errorf("no sync of the second store:\n%s", strings.Join(ops, "\n"))
}

// The mounted root is not the one that was made.
func TestCarryVerifyFailed(t *testing.T) {
	d := newCarrier(t)
	d.write("store/etc/new", "precious\n")
	d.restart(nil)
	d.both("/etc/new", "precious\n")
	b := &plan.Boot{Format: plan.Format, Host: "nest", Reset: decl.ResetOn, Stores: []plan.BootStore{{Path: "/persist", Subvol: "store"}}}
	for _, p := range []string{carriedPath, "/etc/new"} {
		b.Entries = append(b.Entries, plan.Step{Kind: plan.Carry, Path: p, Store: "/persist", Source: "/persist" + p})
	}
	must(t, apply.Run(d.root, &plan.Plan{Steps: []plan.Step{{Kind: plan.Record, Path: "/persist/.anicca/current", Store: "/persist", Boot: b}}}, nil))
	d.unmount()
	r := d.reset(nil)
	d.write("other/etc/issue", "another root\n")
	other := filepath.Join(d.dir, "other")
	if err := inPlace(r, d.backend, other); err != nil || r.OK() {
		t.Errorf("%v: %q", err, r.Problems)
	}
	o, err := sys.OpenTree(other)
	must(t, err)
	must(t, o.Unmount("persist", true))
	o.Close()
	d.restart(nil)
	d.want("/persist"+carriedPath, "kept\n")
	d.want("/persist/etc/new", "precious\n")
}

// A session leaves a directory, or a link as a parent; the user mends it in the next session.
func TestCarryStickyError(t *testing.T) {
	for _, what := range []string{"directory", "parent is a link", "parent is a file"} {
		t.Run(what, func(t *testing.T) {
			d := newCarrier(t)
			at := filepath.Join(d.root.Name(), carriedPath)
			switch what {
			case "directory":
				must(t, os.Remove(at))
				must(t, os.Mkdir(at, 0o755))
			case "parent is a link":
				must(t, os.RemoveAll(filepath.Dir(at)))
				must(t, os.MkdirAll(filepath.Dir(filepath.Dir(at))+"/app2", 0o755))
				must(t, os.Symlink("app2", filepath.Dir(at)))
			case "parent is a file":
				must(t, os.RemoveAll(filepath.Dir(at)))
				must(t, os.WriteFile(filepath.Dir(at), []byte("x"), 0o644))
			}
			d.restart(nil)
			for range 3 {
				d.replace(carriedPath, "mended\n")
				d.restart(nil)
			}
			d.both(carriedPath, "mended\n")
		})
	}
}

// A directory that the session made private.
func TestCarryParentMode(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	p := "/home/bird/.secret/token"
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: p}})
	d.restart(nil)
	defer d.unmount()
	dir := filepath.Join(d.root.Name(), "/home/bird/.secret")
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.Chmod(dir, 0o700))
	d.replace(p, "s\n")
	d.restart(nil)
	d.both(p, "s\n")
	for _, q := range []string{"/home/bird/.secret", "/persist/home/bird/.secret"} {
		if s, err := d.root.Stat(q); err != nil || s.Perm() != 0o700 {
			t.Errorf("%s: %04o, %v", q, s.Perm(), err)
		}
	}
}

// The ledger could not be written once (full for a moment).
func TestCarryUncommitted(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "session\n")
	d.unmount()
	r := Reset(Machine{Disk: d.backend, Kernel: "6.1.0-1", Now: time.Now(), BootID: "boot"})
	d.mount()
	d.persist(r)
	d.restart(nil)
	d.both(carriedPath, "session\n")
}

// Finish cannot look at the old roots.
func TestCarryFinishCannotLook(t *testing.T) {
	d := newCarrier(t)
	d.replace(carriedPath, "session\n")
	d.unmount()
	r := d.reset(nil)
	d.mount()
	r.StorePath, r.at = "/persist", d.root.Name()
	carry(r, d.root, &earlier{blind: true}, []plan.Step{{Kind: plan.Carry, Path: carriedPath, Store: "/persist", Source: "/persist" + carriedPath}})
	d.restart(nil)
	d.both(carriedPath, "session\n")
}

// An empty file that a session made, as flags are (.hushlogin, cloud-init.disabled).
func TestCarryEmptyMade(t *testing.T) {
	d := newCarrier(t)
	d.replace("/etc/new", "")
	d.restart(nil)
	if there, _ := d.root.Exists("/etc/new"); !there {
		t.Error("gone")
	}
}

// A part could not be mounted in the initrd; the booted system mounts it later, over what was placed.
func TestCarryPartNotMounted(t *testing.T) {
	d := newCarrier(t)
	d.unmount()
	r := d.reset(nil)
	l := d.backend.Ledger()
	o := &l.Archive[len(l.Archive)-1]
	o.Parts = []root.Part{{Path: "/etc/app", Volume: "app"}}
	must(t, os.MkdirAll(d.dir+"/anicca/archive/"+o.ID+".etc-app", 0o755))
	d.mount()
	d.persist(r)
	d.want("/persist"+carriedPath, "kept\n")
}

// Nobody noted what the last session had; one boot in between died.
func TestCarryUnknownAndUnbooted(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/base/1"+carriedPath, "kept\n")
	d.write("store"+carriedPath, "kept\n")
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: carriedPath}})
	d.write("anicca/upper"+carriedPath, "session\n")
	d.reset(nil)
	r := d.restart(nil)
	defer d.unmount()
	if got := d.aside(carriedPath); len(got) == 0 || r.OK() {
		t.Errorf("neither taken nor put aside nor said: %q, aside %q, problems %q", d.read(carriedPath), got, r.Problems)
	}
}

// Two versions put aside in the same second of a clock that begins at the same time at every boot.
func TestCarryAsideSameSecond(t *testing.T) {
	d := newCarrier(t)
	now := time.Unix(1e9, 0)
	for _, x := range []string{"a", "b"} {
		d.replace(carriedPath, "session "+x+"\n")
		d.write("store"+carriedPath, "backup "+x+"\n")
		d.unmount()
		r := d.reset(nil)
		d.mount()
		r.StorePath, r.at = "/persist", d.root.Name()
		last, err := readBooted(d.root)
		must(t, err)
		e := before(d.backend, r, last)
		c := &apply.Carrier{Root: d.root, Store: "/persist", ID: r.Root, Now: now, Last: e.find(d.root)}
		c.Carry([]plan.Step{{Kind: plan.Carry, Path: carriedPath, Store: "/persist", Source: "/persist" + carriedPath}})
		_, err = c.Commit()
		must(t, err)
		e.close()
	}
	if got := d.aside(carriedPath); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

// A user's own file is what cannot be noted (too large for what is free): a strict boot stops.
func TestCarryUserStopsStrict(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	p := "/home/bird/.x"
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: p, Home: &plan.Home{Dir: "/home/bird", UID: os.Getuid(), GID: os.Getgid()}}})
	d.restart(nil)
	defer d.unmount()
	d.replace(p, "large\n")
	d.unmount()
	r := d.reset(nil)
	d.mount()
	sys.Fault = func(op, at string) error {
		if op == "write" && strings.Contains(at, "carry/placed") {
			return errors.New("no space left on device")
		}
		return nil
	}
	d.persist(r)
	sys.Fault = nil
	if r.grave() {
		t.Errorf("grave: %q", r.Problems)
	}
}

// Anicca.root=ID and other ways: must hold.
func TestCarryOldRoot(t *testing.T) {
	d := newCarrier(t)
	id := d.backend.Ledger().Archive[0].ID
	d.replace(carriedPath, "session\n")
	r := d.restart(cmdline("anicca.root=" + id))
	d.both(carriedPath, "session\n")
	if !r.OK() {
		t.Errorf("%q", r.Problems)
	}
	d.replace(carriedPath, "two\n")
	d.restart(nil)
	d.both(carriedPath, "two\n")
}

// A volume that is declared, and that no base has yet: it is mounted in the initrd and not reset.
func TestCarryVolumeWithoutBase(t *testing.T) {
	d := newCarrier(t)
	d.unmount()
	must(t, os.MkdirAll(d.dir+"/app", 0o755))
	var r *Record
	for range 2 {
		r = d.reset(nil)
		d.mount()
		top, err := sys.OpenTree(d.dir)
		must(t, err)
		must(t, d.root.MkdirAll("/etc/app", func(string) sys.Perm { return sys.Mine(0o755) }))
		must(t, sys.Bind(top, "app", d.root, "/etc/app", nil))
		top.Close()
		d.persist(r)
		d.both(carriedPath, "kept\n")
		d.unmount()
	}
}

// The late service places over what this session has written since.
func TestCarryFinishOverwrites(t *testing.T) {
	d := newCarrier(t)
	d.unmount()
	r := d.reset(nil)
	d.mount()
	r.StorePath, r.at = "/persist", d.root.Name()
	d.replace(carriedPath, "written by this session before its store came\n")
	e := before(d.backend, r, root.Booted{})
	e.used = true
	carry(r, d.root, e, []plan.Step{{Kind: plan.Carry, Path: carriedPath, Store: "/persist", Source: "/persist" + carriedPath}})
	e.close()
	if len(d.aside(carriedPath)) == 0 && d.read(carriedPath) == "kept\n" {
		t.Error("overwritten without a copy")
	}
}

// Apply and finish place in directories of users while those run: owner and mode are given to a name, not to the copy.
func TestCarryCopyMetaByName(t *testing.T) {
	d := newCarrier(t)
	victim := filepath.Join(d.root.Name(), "/etc/victim")
	must(t, os.WriteFile(victim, []byte("secret\n"), 0o600))
	must(t, os.Chmod(d.dir+"/store"+carriedPath, 0o666))
	id, err := d.backend.Current()
	must(t, err)
	s := plan.Step{Kind: plan.Carry, Path: carriedPath, Store: "/persist", Source: "/persist" + carriedPath, Main: "/persist", Root: id}
	sys.Fault = func(op, at string) error {
		if op == "chown" && strings.HasPrefix(at, d.root.Name()+"/etc/app/.anicca-tmp") { // what the owner of the directory does meanwhile
			must(t, os.Remove(at))
			must(t, os.Link(victim, at))
		}
		return nil
	}
	err = apply.Run(d.root, &plan.Plan{Steps: []plan.Step{s}}, nil)
	sys.Fault = nil
	st, serr := os.Stat(victim)
	must(t, serr)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("the victim has mode %o; %v", st.Mode().Perm(), err)
	}
}

// A file is replaced by a fifo between being looked at and being copied: the store gets a fifo.
func TestCarryPutFifo(t *testing.T) {
	d := newCarrier(t)
	p := "/etc/app/mine"
	d.replace(p, "x\n")
	id, err := d.backend.Current()
	must(t, err)
	s := plan.Step{Kind: plan.Carry, Path: p, Store: "/persist", Source: "/persist" + p, Main: "/persist", Root: id}
	done := false
	c := &apply.Carrier{Root: d.root, Store: "/persist", ID: id, Now: time.Unix(1e9, 0), Last: func(string, func(string) (bool, error)) (apply.Last, error) {
		if done { // second question, just before the copy
			at := filepath.Join(d.root.Name(), p)
			_ = os.Remove(at)
			must(t, syscall.Mkfifo(at, 0o600))
		}
		done = true
		return apply.Last{Tree: d.root, At: p, Root: id}, nil
	}}
	out := c.Carry([]plan.Step{s})
	st, err := d.root.Stat("/persist" + p)
	if err == nil && !st.IsFile() {
		t.Errorf("the store holds %v; %v", st.Type(), out[0].Err)
	}
}

// A file that was deleted is made again while it is carried: what a program has just written is not removed, and is kept by the next carrying.
func TestCarryMadeAgain(t *testing.T) {
	d := newCarrier(t)
	id, err := d.backend.Current()
	must(t, err)
	must(t, d.root.Remove(carriedPath))
	s := plan.Step{Kind: plan.Carry, Path: carriedPath, Store: "/persist", Source: "/persist" + carriedPath, Main: "/persist", Root: id}
	carry := func(asked func(n int)) {
		n := 0
		c := &apply.Carrier{Root: d.root, Store: "/persist", ID: id, Now: time.Unix(1e9, 0), Last: func(string, func(string) (bool, error)) (apply.Last, error) {
			n++
			asked(n)
			return apply.Last{Tree: d.root, At: carriedPath, Root: id}, nil
		}}
		out := c.Carry([]plan.Step{s})
		must(t, out[0].Err)
		_, err := c.Commit()
		must(t, err)
	}
	carry(func(n int) {
		if n == 2 { // just before it does what it has chosen
			d.replace(carriedPath, "again\n")
		}
	})
	d.want(carriedPath, "again\n")
	carry(func(int) {})
	d.want("/persist"+carriedPath, "again\n")
}
