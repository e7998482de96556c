package changes

import (
	"os"
	"path/filepath"
	"testing"

	"anicca/internal/sys"
)

// A directory to which names were added, or in which files were replaced, is not listed; one that has lost a name is, as its size shows.
func TestNamesWithoutListing(t *testing.T) {
	top := disk(t, "btrfs", 128)
	tree := open(t, top)
	must(t, tree.CreateSubvolume("root"))
	now := filepath.Join(top, "root")
	for _, d := range []string{"added", "replaced", "gone", "moved", "both"} {
		must(t, os.Mkdir(filepath.Join(now, d), 0o755))
		for _, n := range []string{"a", "b", "c"} {
			must(t, os.WriteFile(filepath.Join(now, d, n), []byte(n), 0o644))
		}
	}
	must(t, tree.Sync()) // or all would be as new as the base
	freeze(t, tree, "base")
	at := func(p string) string { return filepath.Join(now, p) }
	must(t, os.WriteFile(at("added/new"), nil, 0o644))
	must(t, os.WriteFile(at("replaced/new"), []byte("n"), 0o644))
	must(t, os.Rename(at("replaced/new"), at("replaced/b")))
	must(t, os.Remove(at("gone/b")))
	must(t, os.Rename(at("moved/b"), at("moved/x"))) // a name of the same length
	must(t, os.WriteFile(at("both/new"), nil, 0o644))
	must(t, os.Remove(at("both/c")))
	must(t, tree.Sync())
	b, err := newBtrfs(open(t, filepath.Join(top, "base")), open(t, now), Look{})
	must(t, err)
	must(t, b.scan())
	for d, want := range map[string]struct {
		ok  bool
		was string // of what only the base has
		now string
	}{"added": {true, "", "new"}, "replaced": {true, "b", "b"}, "gone": {false, "b", ""}, "moved": {false, "b", "x"}, "both": {false, "c", "new"}} {
		n, err := b.now.one(d)
		must(t, err)
		from, err := b.was.object(n.Ino)
		must(t, err)
		to, err := b.now.object(n.Ino)
		must(t, err)
		if _, ok, err := b.removed(n.Ino, to.Size-from.Size); ok != want.ok || err != nil {
			t.Errorf("%s: %v, %v", d, ok, err)
		}
		was, now, err := b.names(n.Ino, from, to)
		must(t, err)
		for what, l := range map[string]struct {
			got  []string
			want string
		}{"base": {namesOf(was), want.was}, "root": {namesOf(now), want.now}} {
			if len(l.got) > 1 || len(l.got) == 1 && l.got[0] != l.want || len(l.got) == 0 && l.want != "" {
				t.Errorf("%s: only the %s has %q, want %q", d, what, l.got, l.want)
			}
		}
	}
}

func namesOf(all []sys.Link) (out []string) {
	for _, l := range all {
		out = append(out, l.Name)
	}
	return out
}
