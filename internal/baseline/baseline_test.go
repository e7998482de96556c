package baseline_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"anicca/internal/baseline"
	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/review"
)

func TestMain(m *testing.M) {
	nstest.Apart()
	os.Exit(m.Run())
}

func TestSince(t *testing.T) {
	was := review.Change{Path: "/a", What: review.Modified, Differs: review.Content, Kind: review.File, Files: 1, Size: 3, Modified: 5, Stamp: 7}
	dir := t.TempDir()
	if err := baseline.Take(2, []review.Change{was, {Path: "/b", What: review.Deleted, Stamp: 1}}, "boot", time.Now()).Write(dir); err != nil {
		t.Fatal(err)
	}
	b, err := baseline.Read(dir, "boot")
	if err != nil {
		t.Fatal(err)
	}
	touched, larger, gone, other := was, was, was, was
	touched.Stamp, larger.Size, gone.What, other.Path = 8, 4, review.Deleted, "/aa"
	for _, c := range []struct {
		name string
		now  review.Change
		news bool
	}{
		{"the same", was, false}, {"only touched", touched, true}, {"larger", larger, true}, {"gone", gone, true}, {"another path", other, true},
	} {
		if got := b.Since([]review.Change{c.now}); (len(got) == 1) != c.news {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	info, err := os.Stat(dir + "/baseline.json")
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v: it names what lies in homes", info.Mode(), err)
	}
	if _, err := baseline.Read(dir, "the next boot"); !errors.Is(err, baseline.ErrNone) {
		t.Errorf("a baseline of another boot: %v", err)
	}
	if _, err := baseline.Read(t.TempDir(), "boot"); !errors.Is(err, baseline.ErrNone) || !strings.Contains(err.Error(), "anicca review --baseline") {
		t.Errorf("no baseline: %v", err)
	}
}

// What one person ignores in their home is not told to others.
func TestKnown(t *testing.T) {
	dir := t.TempDir()
	k := baseline.Known{
		BootID: "boot", Kept: []string{"/var/log", "/home/bird/Documents"}, Volumes: []string{"/home"},
		Ignore: []decl.Noise{{Pattern: "~/x"}, {Pattern: "/home/bird/secret"}},
	}
	if err := k.Write(dir); err != nil {
		t.Fatal(err)
	}
	k, err := baseline.ReadKnown(dir, "boot")
	if err != nil || len(k.Ignore) != 1 || k.Ignore[0].Pattern != "~/x" {
		t.Errorf("%+v, %v", k.Ignore, err)
	}
	if _, err := baseline.ReadKnown(dir, "the next boot"); !errors.Is(err, baseline.ErrUnknown) {
		t.Errorf("of another boot: %v", err)
	}
	for _, c := range []struct {
		p, mount string
		drops    bool
		why      string
	}{
		{"/root", "/", true, ""},
		{"/home/bird", "/home", true, ""},
		{"/home/bird", "/home/bird", false, "/home/bird"},
		{"/home/bird/Documents/x", "/", false, "/home/bird/Documents"},
		{"/home/bird/Documents2", "/", true, ""},
	} {
		if drops, why := k.Drops(c.p, c.mount); drops != c.drops || why != c.why {
			t.Errorf("%s on %s: %v, %q", c.p, c.mount, drops, why)
		}
	}
}
