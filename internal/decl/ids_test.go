package decl

import (
	"maps"
	"testing"
)

// Only what makes kept data somebody else's is told; the rest is learnt.
func TestMoved(t *testing.T) {
	const was = "root:x:0:0::/:/bin/sh\nred:x:117:1::/:\nblue:x:118:1::/:\nbird:x:1000:1::/:\nbirdie:x:1000:1::/:\nnobody:x:65534:1::/:\n"
	for _, c := range []struct {
		what, now string
		want      []string
	}{
		{"nothing", was, nil},
		{"an account is gone", "blue:x:118:1::/:\n", nil},
		{"one is new", was + "green:x:119:1::/:\n", nil},
		{"another number", "red:x:120:1::/:\nblue:x:118:1::/:\n", []string{"the user red was 117 when its data was kept, and is 120 now"}},
		{"a gone one's number is another's", "blue:x:118:1::/:\ngreen:x:117:1::/:\n", []string{"the user red was 117 when its data was kept, and is gone; 117 is green's now"}},
		{"two have swapped", "red:x:118:1::/:\nblue:x:117:1::/:\n", []string{
			"the user blue was 118 when its data was kept, and is 117 now; 118 is red's now",
			"the user red was 117 when its data was kept, and is 118 now; 117 is blue's now",
		}},
		{"one of two names is gone", "bird:x:1000:1::/:\n", nil},
		{"nobody has another name", "nogroup:x:65534:1::/:\ntoor:x:0:0::/:\n", nil},
		{"comments, NIS and rubbish", "#red:x:1:1::/:\n+red:x:1:1::/:\nred\nred:x:many:1::\n", nil},
	} {
		recorded, now := ParseIDs(was, ""), ParseIDs(c.now, "")
		got := recorded.Moved(now)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v", c.what, got)
			continue
		}
		for i, m := range got {
			if m.String() != c.want[i] {
				t.Errorf("%s: %s, want %s", c.what, m, c.want[i])
			}
		}
		// What is left to decide is told again, and what was decided is not.
		if again := recorded.Learn(now, got).Moved(now); len(again) != len(got) {
			t.Errorf("%s: learnt away: %v", c.what, again)
		}
		after := recorded.Learn(now, nil)
		if again := after.Moved(now); len(again) > 0 {
			t.Errorf("%s: told again: %v", c.what, again)
		}
		if twice := after.Learn(now, nil); !maps.Equal(twice.Users, after.Users) {
			t.Errorf("%s: learnt twice: %v, %v", c.what, after.Users, twice.Users)
		}
	}
}
