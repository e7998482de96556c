package changes

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"anicca/internal/sys"
)

// seed is printed, and taken from SEED to have the same again.
func seed(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		n = rand.Uint64()
	}
	t.Logf("SEED=%d", n)
	return n
}

// lookHere passes over something, and lets something of new directories stand apart: all of one name, all in some directories, nothing in others.
var lookHere = Look{
	Skip: func(p string) bool { return strings.HasSuffix(p, "/n7") },
	Apart: func(top string) func(string) func(string) bool {
		if strings.HasSuffix(top, "/n9") {
			return nil
		}
		return func(dir string) func(string) bool {
			all := strings.HasSuffix(dir, "/n5")
			return func(name string) bool { return all || name == "n3" || strings.HasPrefix(name, "l") }
		}
	},
}

// Thousands of operations of every kind, and after every few hundred the answer is what comparing all of both trees gives:
// of a root made from the base, of the root that a base was made from, of one that began as an old root, and with an older base.
func TestBtrfsTellsTheTruth(t *testing.T) {
	// Where reading leaves a trace, the comparison itself makes every file one that may have changed.
	done := map[string]int{}
	for _, option := range []string{"noatime", "strictatime"} {
		t.Run(option, func(t *testing.T) { btrfsTellsTheTruth(t, option, done) })
	}
	t.Logf("done: %v", done)
	for _, op := range operations {
		if done[op] == 0 && len(done) > 0 {
			t.Errorf("never done: %s", op)
		}
	}
}

func btrfsTellsTheTruth(t *testing.T, option string, done map[string]int) {
	top := disk(t, "btrfs", 512)
	run(t, "mount", "-o", "remount,"+option, top)
	n := seed(t)
	tree := open(t, top)
	must(t, tree.CreateSubvolume("root"))
	m := newMess(t, n, filepath.Join(top, "root"), true)
	const steps = 150
	m.fill(500)
	must(t, tree.Sync()) // or all would be as new as the base
	freeze(t, tree, "base1")
	names, kept := []string{"base1"}, map[string][]byte{}
	told := 0
	for round := range 7 {
		for range steps {
			m.step()
		}
		for _, base := range names[max(0, len(names)-2):] {
			label := fmt.Sprint("round ", round, ", against ", base)
			got, err := Btrfs(open(t, filepath.Join(top, base)), open(t, m.top), lookHere)
			if err != nil {
				t.Fatalf("%s: %v", label, err)
			}
			told += len(got)
			want := expected(read(t, filepath.Join(top, base)), read(t, m.top), lookHere)
			if !equal(t, lines(got), want) {
				t.Fatal(label)
			}
			if !walksRight(t, filepath.Join(top, base), m.top, kept, base, want) {
				t.Fatal(label, ", by walking")
			}
		}
		switch round % 4 {
		case 0: // a reset
			reset(t, tree, m, names[len(names)-1], fmt.Sprint("old", round))
		case 1: // a base of what the root has become
			b := fmt.Sprint("base", round+10)
			freeze(t, tree, b)
			names = append(names, b)
		case 2: // a boot into an old root
			reset(t, tree, m, fmt.Sprint("old", round-2), fmt.Sprint("old", round))
		}
	}
	t.Logf("%d changes", told)
	for op, n := range m.done {
		done[op] += n
	}
}

// freeze makes a base of the root. The clock of files moves in ticks: what is written after it must have another time.
func freeze(t *testing.T, tree *sys.Tree, base string) {
	t.Helper()
	must(t, tree.Snapshot("root", base, true))
	time.Sleep(20 * time.Millisecond)
}

// reset puts a fresh copy of what lies at from in the root's place, and what was there aside.
func reset(t *testing.T, tree *sys.Tree, m *mess, from, old string) {
	t.Helper()
	must(t, m.tree.Close())
	must(t, tree.Rename("root", old))
	must(t, tree.Snapshot(from, "root", false))
	m.tree = open(t, m.top)
}

// Two subvolumes without a common origin cannot be compared by what was written since.
func TestBtrfsNeedsACommonOrigin(t *testing.T) {
	top := disk(t, "btrfs", 128)
	tree := open(t, top)
	for _, v := range []string{"a", "b"} {
		must(t, tree.CreateSubvolume(v))
	}
	if _, err := Btrfs(open(t, top+"/a"), open(t, top+"/b"), lookHere); !errors.Is(err, ErrUnrelated) {
		t.Errorf("got %v", err)
	}
}
