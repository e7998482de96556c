package boot

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/plan"
)

// The power is cut at every call that changes something while files are carried. The boot after it has what the session had left.
func TestCarryCrashWalk(t *testing.T) {
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
				r := d.start(nil)
				was := cutAt(n, func() { d.persist(r) })
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

// The power is cut at every call while a deletion is carried. The file stays away.
func TestCarryCrashWalkDeleted(t *testing.T) {
	n := 0
	for was := true; was; {
		n++
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			d := newCarrier(t)
			must(t, d.root.Remove(carriedPath))
			r := d.start(nil)
			was = cutAt(n, func() { d.persist(r) })
			d.restart(nil)
			d.missing(carriedPath)
		})
		if t.Failed() {
			return
		}
	}
	if n < 15 {
		t.Errorf("carrying made only %d calls: is the seam still used?", n-1)
	}
}

// The power goes after a version was put aside, and before anybody was told: the next boot tells it, once the booted system
// has it not again, and nothing lies aside twice.
func TestCarryTellsAfterAPowerCut(t *testing.T) {
	for n := 1; n < 150; n += 4 { // the walk of [TestCarryCrashWalk] is at each
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			d := newCarrier(t)
			d.replace(carriedPath, "session\n")
			d.write("store"+carriedPath, "backup\n")
			d.replace("/etc/passwd", "root:x:0:0:session:/root:/bin/sh\n")
			r := d.start(nil)
			cutAt(n, func() { d.persist(r) }) // and all that it says is lost
			r = d.restart(nil)
			d.both(carriedPath, "session\n")
			if got := d.aside(carriedPath); !slices.Equal(got, []string{"backup\n"}) || !said(r, "was changed on both sides") || r.grave() || len(r.Problems) != 1 {
				t.Fatalf("put aside %q, said %q", got, r.Problems)
			}
			if sets, err := filepath.Glob(d.dir + "/store/.anicca/carry/accounts/[0-9]*/etc/passwd"); err != nil || len(sets) != 1 {
				t.Fatalf("sets %q, %v", sets, err)
			}
			if r = d.restart(nil); !r.OK() {
				t.Fatalf("told again: %q", r.Problems)
			}
		})
	}
}

// The ledger could not be written in one boot. The next one finds what the session had left all the same.
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

// Nobody noted what the last session was given, and a boot after it has died: what it had is put aside, and told.
func TestCarryUnknownAndUnbooted(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	d.write("anicca/base/1"+carriedPath, "kept\n")
	d.write("store"+carriedPath, "kept\n")
	d.declare(decl.ResetOn, []plan.Step{{Kind: plan.Carry, Path: carriedPath}})
	d.write("anicca/upper"+carriedPath, "session\n")
	d.reset(nil)
	r := d.restart(nil)
	if got := d.aside(carriedPath); len(got) == 0 || r.OK() {
		t.Errorf("neither taken nor put aside nor said: %q, aside %q, problems %q", d.read(carriedPath), got, r.Problems)
	}
}
