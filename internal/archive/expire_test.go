package archive

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"anicca/internal/decl"
	"anicca/internal/root"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// old makes old roots, oldest first, of so many days each.
func old(days ...int) []root.Old {
	var out []root.Old
	for i, d := range days {
		out = append(out, root.Old{ID: string(rune('a' + i)), When: now.AddDate(0, 0, -d)})
	}
	return out
}

func dropped(t *testing.T, list []root.Old, rule decl.Archive) string {
	t.Helper()
	vs, err := Expire(list, nil, nil, rule, now, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, v := range vs {
		if v.Why == "" {
			t.Errorf("%s: no reason", v.ID)
		}
		if v.Drop {
			s += v.ID
		}
	}
	return s
}

func TestExpire(t *testing.T) {
	pinned := old(90, 80, 70, 1)
	pinned[1].Pinned = true
	good := old(90, 80, 70, 1)
	good[0].Good, good[1].Good = true, true
	for name, c := range map[string]struct {
		list []root.Old
		rule decl.Archive
		want string
	}{
		"none":                         {nil, decl.Archive{Count: 1}, ""},
		"count and days must both say": {old(90, 80, 70, 20, 10), decl.Archive{Count: 2, Days: 30}, "abc"},
		"many in one day":              {old(1, 1, 1, 1, 1), decl.Archive{Count: 2, Days: 30}, ""},
		"few and old":                  {old(900, 800), decl.Archive{Count: 2, Days: 30}, ""},
		"pinned":                       {pinned, decl.Archive{Count: 1, Days: 30}, "ac"},
		"the newest good":              {good, decl.Archive{Count: 1, Days: 30}, "ac"},
		"put away by a clock ahead":    {old(90, -40000, 70, 1), decl.Archive{Count: 1, Days: 30}, "abc"},
		"put away by a clock behind":   {old(20, 20000, 10, 1), decl.Archive{Count: 1, Days: 15}, "a"},
	} {
		if got := dropped(t, c.list, c.rule); got != c.want {
			t.Errorf("%s: dropped %q, want %q", name, got, c.want)
		}
	}
}

func TestImplausibleClocks(t *testing.T) {
	list := old(90, 80, 1)
	for name, at := range map[string]time.Time{
		"1970": time.Unix(100, 0), "yesterday": now.AddDate(0, 0, -2), "years ahead": now.AddDate(3, 0, 0),
	} {
		vs, err := Expire(list, nil, nil, decl.Archive{Count: 1}, at, Last(list, ""))
		if err == nil || len(vs) > 0 || !strings.HasPrefix(err.Error(), "nothing is dropped: ") {
			t.Errorf("%s: %v, %v", name, vs, err)
		}
	}
	// The stamp of this boot itself is no witness for its clock.
	list = append(list, root.Old{ID: "z", When: now.AddDate(50, 0, 0)})
	if _, err := Expire(list, nil, nil, decl.Archive{Count: 1}, now.AddDate(50, 0, 0), Last(list, "z")); err == nil {
		t.Error("a clock 50 years ahead was believed")
	}
}

func TestLeftoversAreDropped(t *testing.T) {
	vs, err := Expire(nil, old(1), nil, decl.Archive{Count: 10, Days: 10}, now, time.Time{})
	if err != nil || len(vs) != 1 || !vs[0].Drop {
		t.Errorf("%+v, %v", vs, err)
	}
}

// Whatever the stamps are: the newest stays, the newest good one stays, pins stay, and never fewer than Count.
func TestExpireNeverDropsWhatMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []root.Old
		for i := range rapid.IntRange(0, 20).Draw(t, "roots") {
			list = append(list, root.Old{
				ID:   string(rune('a' + i)),
				When: now.AddDate(0, 0, rapid.IntRange(-30000, 30000).Draw(t, "days")),
				Good: rapid.Bool().Draw(t, "good"), Pinned: rapid.Bool().Draw(t, "pinned"),
			})
		}
		rule := decl.Archive{Count: rapid.IntRange(1, 5).Draw(t, "count"), Days: rapid.IntRange(0, 50).Draw(t, "days")}
		vs, err := Expire(list, nil, nil, rule, now, time.Time{})
		if err != nil || len(vs) != len(list) {
			t.Fatal(err, len(vs))
		}
		good := false
		for i := len(vs) - 1; i >= 0; i-- {
			v := vs[i]
			must := v.Pinned || len(vs)-i <= rule.Count || v.Good && !good
			good = good || v.Good
			if must && v.Drop {
				t.Fatalf("%s of %d was dropped: %s", v.ID, len(vs), v.Why)
			}
		}
	})
}
