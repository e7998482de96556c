package boot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What would happen to the root of a running system is nothing that a test, or anybody else, may cause.
func TestShimIsForTheFirstProcess(t *testing.T) {
	move, err := Shim("")
	if move || err == nil || !strings.Contains(err.Error(), "init= on the kernel command line") {
		t.Errorf("move %v, %v", move, err)
	}
}

func TestInits(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"own", "anicca-init"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o755))
	}
	must(t, os.Symlink("anicca-init", filepath.Join(dir, "link")))
	if got := inits(dir + "/own"); len(got) == 0 || got[0] != dir+"/own" {
		t.Errorf("the init that the user names is not the first: %q", got)
	}
	for _, p := range []string{dir + "/missing", dir + "/anicca-init", dir + "/link"} {
		if slices.Contains(inits(p), p) {
			t.Errorf("%s is taken for the machine's own init", p)
		}
	}
}

// A root that was made and is not the one that runs is not taken for it later.
func TestStay(t *testing.T) {
	for _, overlaid := range []bool{false, true} {
		r := &Record{Outcome: Done, Verified: true, Root: "new", Backend: "btrfs", FSType: "btrfs"}
		if overlaid {
			r.Backend, r.FSType = "overlay", "ext4"
		}
		r.stay(os.ErrPermission)
		said := strings.Join(r.Problems, "\n")
		if r.Outcome != Failed || r.Verified || r.Root != "" || !strings.Contains(said, "could not move") || r.OK() {
			t.Errorf("%+v", r)
		}
		if strings.Contains(said, "The base itself is booted") != overlaid {
			t.Errorf("what is booted: %s", said)
		}
	}
}

// enter leaves every root where it is that was not made anew.
func TestEnterOnlyWhatIsNew(t *testing.T) {
	for _, o := range []Outcome{Kept, Refused, Failed} {
		if got := enter(&Record{Outcome: o}, nil, "/", "/elsewhere"); got != "/" {
			t.Errorf("%s: %s", o, got)
		}
	}
	r := &Record{Outcome: Done, Backend: "btrfs"}
	if got := enter(r, nil, "/", filepath.Join(t.TempDir(), "missing")); got != "/" || r.Outcome != Failed || len(r.Problems) != 1 {
		t.Errorf("%s, %+v", got, r)
	}
}
