package facts

import (
	"slices"
	"strings"
)

// Table answers the questions of [Mounts] without going through all of them: a plan asks several for every entry.
type Table struct {
	all    Mounts
	top    map[string]int // of all, by target
	sorted []int          // of all, by target
}

// Index returns the mount table in a form that answers quickly.
func (ms Mounts) Index() Table {
	t := Table{all: ms, top: make(map[string]int, len(ms)), sorted: make([]int, len(ms))}
	for i, m := range ms {
		t.top[m.Target] = i
		t.sorted[i] = i
	}
	slices.SortStableFunc(t.sorted, func(a, b int) int { return strings.Compare(ms[a].Target, ms[b].Target) })
	return t
}

// At is [Mounts.At].
func (t Table) At(p string) (Mount, bool) {
	i, ok := t.top[p]
	if !ok {
		return Mount{}, false
	}
	return t.all[i], true
}

// Below is [Mounts.Below].
func (t Table) Below(p string) Mounts {
	if p == "/" {
		return t.all.Below(p)
	}
	i, _ := slices.BinarySearchFunc(t.sorted, p+"/", func(i int, p string) int { return strings.Compare(t.all[i].Target, p) })
	var found []int
	for ; i < len(t.sorted) && strings.HasPrefix(t.all[t.sorted[i]].Target, p+"/"); i++ {
		found = append(found, t.sorted[i])
	}
	slices.Sort(found) // in the order of mounting
	var out Mounts
	for _, i := range found {
		out = append(out, t.all[i])
	}
	return out
}

// Place is [Mounts.Place].
func (t Table) Place(p string) (Mount, string, bool) { return place(t.At, p) }

// Shows is [Mounts.Shows].
func (t Table) Shows(source, target string) bool { return shows(t.At, source, target) }
