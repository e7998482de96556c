package boot

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// The late service does not replace what this session has written, before the store came, without a copy of it.
func TestCarryFinishOverwrites(t *testing.T) {
	d := newCarrier(t)
	r := d.start(nil)
	d.placed(r)
	d.replace(carriedPath, "written by this session before its store came\n")
	e := before(d.backend, r, root.Booted{})
	e.used = true
	carry(r, d.root, e, []plan.Step{carrying(carriedPath)})
	e.close()
	if len(d.aside(carriedPath)) == 0 && d.read(carriedPath) == "kept\n" {
		t.Error("overwritten without a copy")
	}
}

// The owner of a directory puts a link to another's file in the place of what is made there: that file keeps its mode.
func TestCarryCopyMetaByName(t *testing.T) {
	d := newCarrier(t)
	victim := d.root.Path("/etc/victim")
	must(t, os.WriteFile(victim, []byte("secret\n"), 0o600))
	must(t, os.Chmod(d.dir+"/store"+carriedPath, 0o666))
	s := d.applying(carriedPath)
	sys.Fault = func(op, at string) error {
		if op == "chown" && strings.HasPrefix(at, d.root.Name()+"/etc/app/.anicca-tmp") { // what the owner of the directory does meanwhile
			must(t, os.Remove(at))
			must(t, os.Link(victim, at))
		}
		return nil
	}
	err := apply.Run(d.root, &plan.Plan{Steps: []plan.Step{s}}, nil)
	sys.Fault = nil
	st, serr := os.Stat(victim)
	must(t, serr)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("the victim has mode %o; %v", st.Mode().Perm(), err)
	}
}

// A file is replaced by a fifo between being looked at and being copied: the store gets none.
func TestCarryPutFifo(t *testing.T) {
	d := newCarrier(t)
	p := "/etc/app/mine"
	d.replace(p, "x\n")
	c := d.carrier(p, func(n int) {
		if n == 2 { // just before the copy
			at := d.root.Path(p)
			_ = os.Remove(at)
			must(t, syscall.Mkfifo(at, 0o600))
		}
	})
	out := c.Carry([]plan.Step{d.applying(p)})
	st, err := d.root.Stat("/persist" + p)
	if err == nil && !st.IsFile() {
		t.Errorf("the store holds %v; %v", st.Type(), out[0].Err)
	}
}

// A file that was deleted is made again while it is carried: what a program has just written is not removed, and is kept by the next carrying.
func TestCarryMadeAgain(t *testing.T) {
	d := newCarrier(t)
	must(t, d.root.Remove(carriedPath))
	carry := func(asked func(n int)) {
		c := d.carrier(carriedPath, asked)
		out := c.Carry([]plan.Step{d.applying(carriedPath)})
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

// carrier carries a file in the running session. It asks more than once what the last session had, and says so, with a number.
func (d *disk) carrier(p string, asked func(n int)) *apply.Carrier {
	d.t.Helper()
	id, n := d.current(), 0
	return &apply.Carrier{Root: d.root, Store: "/persist", ID: id, Now: time.Unix(1e9, 0), Last: func(string, func(string) (bool, error)) (apply.Last, error) {
		n++
		asked(n)
		return apply.Last{Tree: d.root, At: p, Root: id}, nil
	}}
}
