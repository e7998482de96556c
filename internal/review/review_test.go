package review

import (
	"slices"
	"testing"

	"anicca/internal/decl"
	"anicca/internal/noise"
)

func TestMake(t *testing.T) {
	file := func(p string, what What, size int64) Change {
		return Change{Path: p, What: what, Kind: File, Files: 1, Size: size, Modified: size}
	}
	all := []Change{
		file("/etc/hosts", Modified, 7), file("/root/.ssh/id", Added, 3), file("/etc/ld.so.cache", Modified, 700),
		{Path: "/srv/data", What: Added, Kind: Directory},
		{Path: "/srv/more", What: Added, Kind: Directory},
		file("/var/cache/x", Added, 1),
	}
	Sort(all)
	s := NewScale(nil, []decl.Account{{Name: "root", Home: "/root"}})
	sieve := noise.New([]decl.Noise{{Pattern: "/etc/*.cache", Why: "made again"}}, nil)
	r := Make(3, all, []string{"/srv/data/kept"}, s, sieve)
	var got []string
	for _, i := range r.Items {
		got = append(got, i.Worth.String()+" "+i.Path)
	}
	want := []string{"credentials /root/.ssh/id", "data /srv/more", "config /etc/hosts", "cache /var/cache/x"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(r.Noise) != 1 || r.Noise[0].Path != "/etc/ld.so.cache" || r.Noise[0].Noise.Why != "made again" || r.Files != 3 || r.Size != 11 {
		t.Errorf("%+v", r)
	}
	if !r.Value() || Make(1, []Change{file("/var/cache/x", Added, 1), file("/etc/ld.so.cache", Added, 1)}, nil, s, sieve).Value() {
		t.Error("a key is of value, and a cache and noise are not")
	}
}

func TestSort(t *testing.T) {
	all := []Change{{Path: "/a.b"}, {Path: "/a/c"}, {Path: "/b"}, {Path: "/a"}, {Path: "/a-b/x"}}
	Sort(all)
	var got []string
	for _, c := range all {
		got = append(got, c.Path)
	}
	if want := []string{"/a", "/a/c", "/a-b/x", "/a.b", "/b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
