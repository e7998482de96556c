package plan_test

import (
	"encoding/json"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/plan"
)

// drawn is a random machine with a random wish for it.
func drawn(t *rapid.T) (*decl.Host, *facts.Facts) {
	m := fstest.MapFS{
		"proc/self/mountinfo": {Data: []byte(basic)},
		"persist":             {Mode: fs.ModeDir | 0o755},
	}
	names := []string{"/a", "/a/b", "/a/b/c", "/d", "/d/e", "/f"}
	var entries []decl.Entry
	for _, p := range names {
		if !rapid.Bool().Draw(t, "declared "+p) {
			continue
		}
		e := decl.Entry{Path: p, Kind: decl.File, Store: "/persist", Method: decl.Bind, Pos: decl.Pos{File: "x", Line: 1}}
		switch rapid.IntRange(0, 3).Draw(t, "kind "+p) {
		case 0:
			e.Kind = decl.Directory
		case 1:
			e.Method = decl.Symlink
		case 2:
			e.Method = decl.Carry
			if was := rapid.SampledFrom([]string{"no", "", "1", "2"}).Draw(t, "placed at "+p); was != "no" {
				m[decl.PlacedFile("persist", "R", p)] = &fstest.MapFile{Data: []byte(was)}
			}
		}
		entries = append(entries, e)
		for _, side := range []string{p, "/persist" + p} {
			switch rapid.IntRange(0, 5).Draw(t, "what lies at "+side) {
			case 0:
				m[side[1:]] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
			case 1:
				m[side[1:]+"/x"] = &fstest.MapFile{Data: []byte(rapid.SampledFrom([]string{"1", "2"}).Draw(t, "content"))}
			case 2:
				m[side[1:]] = &fstest.MapFile{Data: []byte(rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "content"))}
			case 3:
				m[side[1:]] = &fstest.MapFile{Data: []byte("/persist" + p), Mode: fs.ModeSymlink}
			}
		}
	}
	host := &decl.Host{Root: decl.Root{Backend: decl.Btrfs, Reset: decl.ResetOn}, Stores: []decl.Store{{Path: "/persist", Need: decl.Required, Entries: entries}}}
	f, err := facts.Read(facts.Source{FS: m, Root: "R"}, host)
	if err != nil {
		t.Skip(err) // a file where another path wants a directory
	}
	return host, f
}

// The same host and the same facts always give the same plan, whatever the order of the declaration.
func TestMakeIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host, f := drawn(t)
		first := plan.Make(host, f)
		slices.Reverse(host.Stores[0].Entries)
		if second := plan.Make(host, f); !reflect.DeepEqual(first, second) {
			t.Fatalf("two plans:\n%+v\n%+v", first, second)
		}
	})
}

// No step touches anything but entries and the store, parents come first, and data is always adopted before it is covered.
func TestPlansAreSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host, f := drawn(t)
		p := plan.Make(host, f)
		declared := map[string]bool{}
		for _, e := range host.Stores[0].Entries {
			declared[e.Path] = true
		}
		adopted := map[string]bool{}
		last := ""
		for i, s := range p.Steps {
			if s.Kind == plan.Record {
				if i != len(p.Steps)-1 {
					t.Fatal("the boot plan is not recorded last")
				}
				continue
			}
			if !declared[s.Path] || s.Source != "/persist"+s.Path {
				t.Fatalf("a step touches %s and %s", s.Path, s.Source)
			}
			if s.Path < last {
				t.Fatalf("%s comes after %s", s.Path, last)
			}
			last = s.Path
			there, kept := f.Objects[s.Path], f.Objects[s.Source]
			switch s.Kind {
			case plan.Adopt:
				adopted[s.Path] = true
				if kept.Exists && !kept.Empty {
					t.Fatalf("adopting %s would overwrite what the store has", s.Path)
				}
			case plan.Carry:
				if there.Exists && kept.Exists && !there.IsLink() && !there.Empty && !there.Same && there.Placed != facts.PlacedSame {
					t.Fatalf("carrying %s would overwrite what the session has changed", s.Path)
				}
			case plan.Bind, plan.Symlink:
				if there.Exists && !there.IsLink() && !there.Empty && !there.Same && !adopted[s.Path] {
					t.Fatalf("%s of %s would hide data", s.Kind, s.Path)
				}
			}
		}
		for _, c := range p.Conflicts {
			if c.Hint == "" || !c.Why.IsValid() {
				t.Fatalf("conflict without a hint or a place: %+v", c)
			}
			if slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Path == c.Path }) {
				t.Fatalf("%s is in conflict and has a step", c.Path)
			}
		}
	})
}

// What was recorded is not recorded again.
func TestRecordedPlanIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host, f := drawn(t)
		for _, s := range plan.Make(host, f).Steps {
			if s.Kind != plan.Record {
				continue
			}
			b := *s.Boot
			b.Generation = 12
			f.Boot, _ = json.Marshal(b)
		}
		for _, s := range plan.Make(host, f).Steps {
			if s.Kind == plan.Record {
				t.Fatal("the recorded boot plan was not recognised")
			}
		}
	})
}

func FuzzDecodeBoot(f *testing.F) {
	f.Add([]byte(`{"format":1,"host":"x","entries":[{"kind":"bind","path":"/a","store":"/p","source":"/p/a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := plan.DecodeBoot(data)
		if err != nil {
			if b != nil || !strings.HasPrefix(err.Error(), "boot plan: ") {
				t.Errorf("%v, %v", b, err)
			}
			return
		}
		for _, s := range b.Entries {
			if !path.IsAbs(s.Path) || path.Clean(s.Path) != s.Path {
				t.Errorf("accepted the path %q", s.Path)
			}
		}
	})
}
