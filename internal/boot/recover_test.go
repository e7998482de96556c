package boot

import (
	"errors"
	"strings"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// cut lets a reset be interrupted when it puts the old root away.
func (d *disk) cut() {
	d.t.Helper()
	defer func() { sys.Fault = nil }()
	cut, dead := errors.New("power cut"), false
	sys.Fault = func(op, p string) error {
		if dead = dead || op == "rename" && strings.Contains(p, "/archive/"); dead {
			return cut
		}
		return nil
	}
	if _, err := d.backend.Reset(root.Order{Now: time.Now(), BootID: "cut"}); !errors.Is(err, cut) {
		d.t.Fatal(err)
	}
	sys.Fault = nil
	d.backend.Close()
	var err error
	d.backend, err = root.Open(d.dir)
	must(d.t, err)
}

// What a reset has begun is finished before anybody's wishes are looked at: there may be no root before that.
func TestInterruptedResetComesFirst(t *testing.T) {
	for _, words := range []string{"anicca=kepe", "anicca=keep", ""} {
		t.Run(words, func(t *testing.T) {
			d := newDisk(t, decl.ResetOn)
			d.cut()
			r := d.reset(cmdline(words))
			if len(r.Recovered) != 1 || !strings.Contains(r.Recovered[0], "the old root was put away") || !d.forgot() {
				t.Errorf("forgot %v: %+v", d.forgot(), r)
			}
			old, err := d.backend.Archive()
			must(t, err)
			dir, _, done, err := d.backend.OpenOld(old[0].ID, "/")
			must(t, err)
			defer func() { must(t, done()) }()
			tree, err := sys.OpenTree(dir)
			must(t, err)
			defer tree.Close()
			if there, err := tree.Exists("/etc/undeclared"); !there || err != nil {
				t.Errorf("the session is not in the archive: %v", err)
			}
		})
	}
}
