package boot

import (
	"os"
	"strings"
	"testing"
	"time"

	"anicca/internal/decl"
	"anicca/internal/root"
)

// What is said of the next boot is what that boot does.
func TestAhead(t *testing.T) {
	for name, c := range map[string]struct {
		reset   decl.Reset
		prepare func(*disk)
		goes    bool
		why     string
	}{
		"on":         {decl.ResetOn, nil, true, ""},
		"observe":    {decl.ResetObserve, nil, false, `root.reset is "observe"`},
		"off":        {decl.ResetOff, nil, false, `root.reset is "off"`},
		"next keep":  {decl.ResetOn, func(d *disk) { must(d.t, d.backend.SetNext(&root.Next{What: "keep"}, time.Now())) }, false, "next keep"},
		"next reset": {decl.ResetOff, func(d *disk) { must(d.t, d.backend.SetNext(&root.Next{What: "reset"}, time.Now())) }, true, ""},
		"marker":     {decl.ResetOn, func(d *disk) { must(d.t, os.WriteFile(d.dir+"/anicca/keep", nil, 0o600)) }, false, "anicca/keep"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t, c.reset)
			if c.prepare != nil {
				c.prepare(d)
			}
			goes, why, err := (&Record{}).Ahead(d.backend, c.reset)
			if err != nil || goes != c.goes || !strings.Contains(why, c.why) || (why == "") != goes {
				t.Errorf("goes %v, why %q, %v", goes, why, err)
			}
			d.reset(nil)
			if d.forgot() != goes {
				t.Errorf("the boot forgot: %v", d.forgot())
			}
		})
	}
}

// What becomes a base does not go, nor does what is written to the base itself.
func TestAheadOfABase(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	if goes, why, err := (&Record{OnBase: true}).Ahead(d.backend, decl.ResetOn); err != nil || goes || why == "" {
		t.Errorf("on the base: %v %q %v", goes, why, err)
	}
	if _, err := d.backend.MakeBase(nil, time.Now()); err == nil {
		t.Fatal("a base was made of a running overlay at once")
	}
	if goes, why, err := (&Record{}).Ahead(d.backend, decl.ResetOn); err != nil || goes || !strings.Contains(why, "becomes base 2") {
		t.Errorf("before a base: %v %q %v", goes, why, err)
	}
}
