//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/boot"
	"anicca/internal/root"
)

// TestPowerCuts cuts the power of small machines at random times, in the reset and while they write,
// and looks after each cut whether they come up as they must.
func TestPowerCuts(t *testing.T) {
	for fs, cuts := range map[string]int{"btrfs": 40, "ext4": 20} {
		t.Run(fs, func(t *testing.T) {
			t.Parallel()
			newSmall(t, fs).cuts(cuts)
		})
	}
}

func (s *small) cuts(cuts int) {
	t := s.t
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	v := survivor{small: s, reset: 400 * time.Millisecond}
	for n := range cuts {
		b := s.power("uml.write=1")
		if n%2 == 0 {
			b.wait("reset begins")
			time.Sleep(time.Duration(chance.Int64N(int64(v.reset) * 5 / 4)))
		} else {
			b.wait("UML SYNCED")
			time.Sleep(time.Duration(chance.IntN(1500)) * time.Millisecond)
		}
		b.cut()
		v.look(n, b.lines)
		v.check()
	}
	t.Logf("%d cuts: %d resets done, %d healed at the next boot: %v", cuts, v.done, len(v.healed), v.healed)
	if v.done < cuts/3 || v.synced == 0 {
		t.Errorf("only %d resets were done, %d numbers written", v.done, v.synced)
	}
}

// survivor keeps what was true of the machine so far.
type survivor struct {
	*small
	synced  int // the highest number that the machine said is on the disk
	counter int
	done    int
	reset   time.Duration // of the last reset, from its first step to its last
	healed  []string
}

// look judges one boot by what it said before the power was cut.
func (v *survivor) look(n int, lines []string) {
	v.t.Helper()
	var record strings.Builder
	found := ""
	for _, l := range lines {
		if text, ok := strings.CutPrefix(l, "RECORD "); ok {
			record.WriteString(text)
		}
		if _, text, ok := strings.Cut(l, "UML FOUND "); ok {
			found = text
		}
	}
	if found != "" {
		v.judge(n, found, record.String())
	}
	for _, l := range lines {
		if _, text, ok := strings.Cut(l, "UML SYNCED "); ok {
			v.synced = max(v.synced, number(text))
		}
	}
}

func (v *survivor) judge(n int, found, record string) {
	v.t.Helper()
	var r boot.Record
	if err := json.Unmarshal([]byte(record), &r); err != nil {
		v.t.Fatalf("boot %d: record: %v\n%s", n, err, record)
	}
	if r.Outcome != boot.Done || !r.Verified || !r.OK() || len(r.Entries) != 3 {
		v.t.Errorf("boot %d: %s, verified: %v, %d entries: %q", n, r.Outcome, r.Verified, len(r.Entries), r.Problems)
	}
	if r.Made != nil {
		if r.Made.Counter <= v.counter {
			v.t.Errorf("boot %d: reset %d comes after reset %d", n, r.Made.Counter, v.counter)
		}
		v.counter = r.Made.Counter
		v.done++
		for _, step := range r.Steps {
			if step.Name == "reset" {
				v.reset = time.Duration(step.MS*1000) * time.Microsecond
			}
		}
	}
	v.healed = append(v.healed, r.Recovered...)
	var junk, synced int
	if _, err := fmt.Sscanf(found, `junk=%d issue="base\n" synced=%d conf="conf\n"`, &junk, &synced); err != nil {
		v.t.Errorf("boot %d found %s", n, found)
	}
	if junk != 0 {
		v.t.Errorf("boot %d: %d undeclared files are still there", n, junk)
	}
	if synced < v.synced {
		v.t.Errorf("boot %d: %d was said to be on the disk, %d is there", n, v.synced, synced)
	}
}

// check lets the filesystem be checked as the power cut left it, and looks into it.
// The mount replays the journal: that is for the machine to do, so it is done to a copy.
func (v *survivor) check() {
	v.t.Helper()
	image := v.t.TempDir() + "/copy"
	defer os.Remove(image)
	run(v.t, "cp", "--sparse=always", v.disk, image)
	if v.fs == "btrfs" {
		run(v.t, "btrfs", "check", "--readonly", image)
	}
	mounted(v.t, image, 0, v.held)
	if v.fs == "ext4" {
		run(v.t, "e2fsck", "-fn", image)
	}
}

// held holds the ledger against what lies there.
func (v *survivor) held(top string) {
	v.t.Helper()
	for _, p := range []string{"etc/issue", "etc/conf"} {
		if _, err := os.Stat(filepath.Join(v.at(top), p)); err != nil {
			v.t.Error(err)
		}
	}
	var l root.Ledger
	data, err := os.ReadFile(top + "/anicca/ledger.json")
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	for _, o := range l.Archive {
		if _, err := os.Stat(filepath.Join(top, "anicca/archive", o.ID)); err != nil {
			v.t.Errorf("the ledger names an old root that is not there: %v", err)
		}
	}
	for _, o := range l.Leftovers {
		if _, err := os.Stat(filepath.Join(top, "anicca/work", o.ID)); err != nil {
			v.t.Errorf("the ledger names a leftover that is not there: %v", err)
		}
	}
	if _, err := os.Stat(filepath.Join(top, l.Store, "etc/conf")); err != nil {
		v.t.Errorf("the store: %v", err)
	}
}
