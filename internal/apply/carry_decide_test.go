package apply

import (
	"strings"
	"testing"

	"anicca/internal/decl"
)

// Every case of what the last session's root, the store, and what was placed can be to each other.
func TestChoose(t *testing.T) {
	const root, store, same, rootSame, storeSame = 1, 2, 4, 8, 16
	for _, c := range []struct {
		what   string
		is     int
		placed placed
		want   choice
	}{
		{"nothing anywhere", 0, unknown, neither},
		{"deleted, and deleted again", 0, gone, neither},
		{"deleted on both sides", 0, placedOne, neither},
		{"made by the session", root, unknown, takeRoot},
		{"made again after it was deleted", root, gone, takeRoot},
		{"the store lost it", root | rootSame, placedOne, takeRoot},
		{"the store lost it, and the session changed it", root, placedOne, takeRoot},
		{"a store from a backup, and a fresh root", store, unknown, useStore},
		{"given back to the store after it was deleted", store, gone, useStore},
		{"deleted by the session", store | storeSame, placedOne, forget},
		{"deleted by the session, and changed in the store", store, placedOne, useStore},
		{"nobody knows, and they differ", root | store, unknown, bothStore},
		{"nobody knows, and they are the same", root | store | same, unknown, useStore},
		{"nobody has changed it", root | store | same | rootSame | storeSame, placedOne, useStore},
		{"changed by the session", root | store | storeSame, placedOne, takeRoot},
		{"changed in the store", root | store | rootSame, placedOne, useStore},
		{"changed on both sides", root | store, placedOne, bothTook},
		{"changed on both sides to the same", root | store | same, placedOne, useStore},
		{"made on both sides after it was deleted", root | store, gone, bothTook},
	} {
		s := sides{
			root: c.is&root != 0, store: c.is&store != 0, placed: c.placed,
			equal: c.is&same != 0, rootSame: c.is&rootSame != 0, storeSame: c.is&storeSame != 0,
		}
		if got := s.choose(); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
}

// What a declaration says decides only where both sides have changed a file that is known, or the session has deleted it.
func TestChooseBy(t *testing.T) {
	for c := neither; c <= bothStore; c++ {
		for onConflict, want := range map[string]choice{"": bothTook, decl.StoreWins: storeWins, decl.Ask: undecided} {
			for onDelete, wantGone := range map[string]choice{"": forget, decl.Restore: restore} {
				want := map[choice]choice{bothTook: want, forget: wantGone}
				got := c.by(onConflict, onDelete)
				if w, ok := want[c]; ok && got != w || !ok && got != c {
					t.Errorf("%d by %q and %q: %d", c, onConflict, onDelete, got)
				}
				if got != c && got.fromRoot() {
					t.Errorf("%d by %q and %q: the store would get the session's", c, onConflict, onDelete)
				}
			}
		}
	}
}

// The set is the one that a declaration may not split.
func TestAccountFiles(t *testing.T) {
	for _, p := range decl.AccountFiles {
		if !isAccount(p) {
			t.Errorf("%s is not carried as one of the set", p)
		}
	}
	if len(accounts) != len(decl.AccountFiles) {
		t.Errorf("%d and %d", len(accounts), len(decl.AccountFiles))
	}
}

func TestCheckAccounts(t *testing.T) {
	for _, c := range []struct{ path, text, want string }{
		{"/etc/passwd", "root:x:0:0::/root:/bin/sh\n", ""},
		{"/etc/passwd", "# comment\n\n+\nroot:x:0:0::/root:/bin/sh\n", ""},
		{"/etc/passwd", "toor:x:0:0::/root:/bin/sh\n", ""},
		{"/etc/passwd", "", "it is empty"},
		{"/etc/passwd", "root:x:0:0::/root:/bin", "its last line has no end"},
		{"/etc/passwd", "root:x:0:0::/root:/bin/sh\nbird:x:10\n", "line 2 has 3 fields, not 7"},
		{"/etc/passwd", "root:x:zero:0::/root:/bin/sh\n", `line 1: "zero" is not a number`},
		{"/etc/passwd", "bird:x:1000:1000::/home/bird:/bin/sh\n", "it has no user 0"},
		{"/etc/passwd", "root:x:0:0::/root:/bin/sh\n\x00\x00\x00\n", "zero bytes"},
		{"/etc/shadow", "root:*:19000:0:99999:7:::\n", ""},
		{"/etc/shadow", "root:*:19000:0\n", "line 1 has 4 fields, not 9"},
		{"/etc/group", "root:x:0:\nflock:x:1000:bird,nest\n", ""},
		{"/etc/gshadow", "", ""},
		{"/etc/subuid", "bird:100000:65536\n", ""},
		{"/etc/subuid", "bird:100000:many\n", `"many" is not a number`},
	} {
		if got := checkAccounts(c.path, []byte(c.text)); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s %q: %q, want %q", c.path, c.text, got, c.want)
		}
	}
}

func FuzzCheckAccounts(f *testing.F) {
	f.Add("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	f.Fuzz(func(t *testing.T, p, text string) {
		if isAccount(p) {
			checkAccounts(p, []byte(text))
		}
	})
}
