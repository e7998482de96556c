package archive

import (
	"fmt"
	"slices"
	"time"

	"anicca/internal/decl"
	"anicca/internal/root"
)

// Verdict says whether an old root stays, and why.
type Verdict struct {
	root.Old
	Drop bool
	Why  string
}

// yearsAhead is how far the clock may be ahead of our last record before nobody believes it.
const yearsAhead = 2 * 365 * 24 * time.Hour

// Expire judges old roots, oldest first, and unused roots of interrupted resets.
//
// A root stays while it is one of the newest rule.Count, or not older than rule.Days, or pinned, or held by another,
// for the reason that stands in held;
// the newest that booted well stays always.
// Last is the time of our last record from before this boot, zero if there is none.
// With a clock that cannot be right, nothing is judged: the error says why.
func Expire(old, leftovers []root.Old, held map[string]string, rule decl.Archive, now, last time.Time) ([]Verdict, error) {
	switch {
	case now.Before(last):
		return nil, fmt.Errorf("nothing is dropped: the clock says %s, before our last record of %s: set the clock",
			now.UTC().Format(time.DateTime), last.UTC().Format(time.DateTime))
	case !last.IsZero() && now.Sub(last) > yearsAhead:
		return nil, fmt.Errorf("nothing is dropped: the clock says %s, years after our last record of %s: check it, then reboot",
			now.UTC().Format(time.DateTime), last.UTC().Format(time.DateTime))
	}
	good := -1
	for i, o := range slices.Backward(old) {
		if o.Good {
			good = i
			break
		}
	}
	age := ages(old, now)
	var out []Verdict
	for i, o := range old {
		v := Verdict{Old: o}
		days := int(age[i] / (24 * time.Hour))
		switch place := len(old) - i; {
		case held[o.ID] != "":
			v.Why = held[o.ID]
		case o.Pinned:
			v.Why = "pinned"
		case i == good:
			v.Why = "the newest that booted well"
		case place <= rule.Count:
			v.Why = fmt.Sprintf("one of the newest %d", rule.Count)
		case days < rule.Days:
			v.Why = fmt.Sprintf("%d days old, of %d", days, rule.Days)
		default:
			v.Drop, v.Why = true, fmt.Sprintf("%d days old, and %d are newer", days, place-1)
		}
		out = append(out, v)
	}
	for _, o := range leftovers {
		out = append(out, Verdict{Old: o, Drop: true, Why: "left by an interruption"})
	}
	return out, nil
}

// ages tells how old each root is, in doubt too young.
// A stamp that is later than now, or earlier than that of an older root, was made by a wrong clock:
// that root is at least as old as the next newer one.
func ages(old []root.Old, now time.Time) []time.Duration {
	right := make([]bool, len(old))
	var last time.Time
	for i, o := range old {
		right[i] = !o.When.After(now) && !o.When.Before(last)
		if right[i] {
			last = o.When
		}
	}
	out := make([]time.Duration, len(old))
	var newer time.Duration
	for i, o := range slices.Backward(old) {
		if right[i] {
			newer = now.Sub(o.When)
		}
		out[i] = newer
	}
	return out
}

// Last returns when the newest root was put away that was not put away in this boot, whose own clock is in question.
// It is the zero time if there is none.
func Last(old []root.Old, thisBoot string) time.Time {
	for _, o := range slices.Backward(old) {
		if o.ID != thisBoot {
			return o.When
		}
	}
	return time.Time{}
}
