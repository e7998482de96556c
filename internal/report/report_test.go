package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/review"
)

var (
	root  = Person{UID: 0, Admin: true}
	bird  = Person{UID: 1000, GID: 1000}
	snake = Person{UID: 1001, GID: 1001}
	homes = []decl.Account{{Name: "bird", UID: 1000, Home: "/home/bird"}, {Name: "snake", UID: 1001, Home: "/home/snake"}}
)

func people() map[string]Person { return map[string]Person{"root": root, "bird": bird, "snake": snake} }

// reviewOf is a review of files that were added, unless a - before the path says that they were deleted; each has 10 bytes.
func reviewOf(paths ...string) review.Review {
	var all []review.Change
	for _, p := range paths {
		c := review.Change{Path: p, What: review.Added, Kind: review.File, Files: 1, Size: 10}
		if p[0] == '-' {
			c.Path, c.What = p[1:], review.Deleted
		}
		all = append(all, c)
	}
	review.Sort(all)
	return review.Make(1, all, nil, review.NewScale(nil, homes), noise.New(nil, nil))
}

// Administrators are told of all, others of their own home only, and nobody is told of what is made again or was only deleted.
func TestEverybodyIsToldOfTheirOwn(t *testing.T) {
	s := Make(reviewOf("/home/bird/letter.odt", "/home/bird/.ssh/id_rsa", "/home/snake/.cache/x", "/etc/hosts", "-/etc/issue", "/var/lib/app/state"), people(), nil)
	for name, want := range map[string]Count{"root": {3, 30}, "bird": {2, 20}, "snake": {}} {
		if got := s.People[name].Counts.Value(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	want := Counts{"credentials": {1, 10}, "data": {1, 10}, "config": {1, 10}, "state": {1, 10}, "cache": {1, 10}}
	if d := cmp.Diff(want, s.Counts); d != "" {
		t.Errorf("of all (-want +got):\n%s", d)
	}
	if got := s.Valued["snake"]; got != nil {
		t.Errorf("snake is told of %q", got)
	}
}

// What is there already is no news, even if other things go away; what comes, or comes back, is.
func TestNews(t *testing.T) {
	var before *State
	for n, c := range []struct {
		paths []string
		want  int
	}{
		{nil, 0},
		{[]string{"/home/bird/a"}, 1},
		{[]string{"/home/bird/a"}, 1},
		{[]string{"/home/bird/a", "/home/bird/.cache/c", "/home/snake/s"}, 1},
		{[]string{"/home/bird/b"}, 2},
		{[]string{"/home/bird/a", "/home/bird/b"}, 3},
		{nil, 3},
		{[]string{"/home/bird/a"}, 4},
	} {
		s := Make(reviewOf(c.paths...), people(), before)
		if got := s.People["bird"].News; got != c.want {
			t.Errorf("%d: news %d, want %d", n, got, c.want)
		}
		before = &s
	}
}

// A look that takes long is taken less often; a clock that was set back stops nothing.
func TestDue(t *testing.T) {
	for _, c := range []struct {
		took float64
		now  int64
		want bool
	}{{0.1, 1000, true}, {20, 2800, false}, {20, 3000, true}, {20, 999, true}} {
		if got := (Report{When: 1000, Took: c.took}).Due(c.now); got != c.want {
			t.Errorf("took %v s, at %d: %v", c.took, c.now, got)
		}
	}
}
