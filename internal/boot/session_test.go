package boot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/root"
)

// reset does what a boot does before the root is mounted.
func (d *disk) reset(change func(*Machine)) *Record {
	d.t.Helper()
	m := Machine{Disk: d.backend, Kernel: "6.1.0-1", Now: time.Now(), BootID: "boot"}
	if change != nil {
		change(&m)
	}
	r := Reset(m)
	must(d.t, d.backend.Commit(time.Now()))
	return r
}

// start ends the session, if there is one, and boots until the root is mounted.
func (d *disk) start(change func(*Machine)) *Record {
	d.t.Helper()
	if d.root != nil {
		d.unmount()
	}
	r := d.reset(change)
	d.mountAs(r)
	return r
}

// boot goes on until kept state is in place.
func (d *disk) boot(change func(*Machine)) *Record {
	d.t.Helper()
	r := d.start(change)
	d.persist(r)
	return r
}

// restart goes on until the booted system has heard what there was to tell.
func (d *disk) restart(change func(*Machine)) *Record {
	d.t.Helper()
	r := d.boot(change)
	must(d.t, noteBooted(d.root, r))
	must(d.t, apply.Heard(d.root, "/persist"))
	return r
}

// persist puts kept state in place, as the initrd does once the root is mounted.
func (d *disk) persist(r *Record) {
	d.t.Helper()
	d.placed(r)
	b, last := d.known()
	Persist(r, d.backend, d.root, b, last)
}

// placed lets the record know where root and store are.
func (d *disk) placed(r *Record) { r.StorePath, r.at = "/persist", d.root.Name() }

// known is what the store knows: the boot plan, and the root that was the last to boot well.
func (d *disk) known() (*plan.Boot, root.Booted) {
	d.t.Helper()
	s, done, err := openStore(d.backend, "store")
	must(d.t, err)
	defer done()
	b, err := apply.Current(s)
	must(d.t, err)
	last, err := readBooted(s)
	must(d.t, err)
	return b, last
}

func (d *disk) finish(r *Record) *Record {
	d.t.Helper()
	p := filepath.Join(d.t.TempDir(), "boot.json")
	must(d.t, r.Write(p))
	r, err := Finish(d.root.Name(), p)
	must(d.t, err)
	return r
}

func cmdline(s string) func(*Machine) { return func(m *Machine) { m.Cmdline = s } }

// replace writes a file as editors do: another one takes its place.
func (d *disk) replace(p, text string) {
	d.t.Helper()
	p = filepath.Join(d.root.Name(), p)
	must(d.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(d.t, os.WriteFile(p+"+", []byte(text), 0o640))
	must(d.t, os.Rename(p+"+", p))
}

func (d *disk) read(p string) string {
	d.t.Helper()
	data, err := d.root.ReadFile(p)
	if err != nil {
		return err.Error()
	}
	return string(data)
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

func (r *Record) state(p string) State {
	for _, e := range r.Entries {
		if e.Path == p {
			return e.State
		}
	}
	return ""
}

func said(r *Record, text string) bool {
	return slices.ContainsFunc(slices.Concat(r.Problems, r.Notes), func(s string) bool { return strings.Contains(s, text) })
}
