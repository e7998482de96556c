// Package baseline remembers until the end of a boot what had changed in the root when the boot had settled, and what people who may not look
// at bases and stores have to know for a review of their homes.
//
// Both lie in memory, and hold for the boot that they were written in only.
package baseline

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"time"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// Dir is where both lie.
const Dir = "/run/anicca"

const (
	name   = "baseline.json" // root's alone: it names what lies in homes
	format = 1
)

// Baseline is what had changed at one moment of a boot.
type Baseline struct {
	Format  int               `json:"format"`
	BootID  string            `json:"bootID"`
	When    time.Time         `json:"when"`
	Base    int               `json:"base"`
	Changes map[string]uint64 `json:"changes"` // by path: what the change was like, as one number
}

// ErrNone says that there is no baseline of this boot.
var ErrNone = errors.New("there is no baseline of this boot yet: anicca-baseline.service takes it when the boot has settled, " +
	"and 'sudo anicca review --baseline' takes one now")

// Take makes a baseline of all changes against a base.
func Take(base int, all []review.Change, bootID string, now time.Time) *Baseline {
	b := &Baseline{format, bootID, now.UTC(), base, map[string]uint64{}}
	for _, c := range all {
		b.Changes[c.Path] = number(c)
	}
	return b
}

// Since returns the changes that the baseline does not have, or that have gone on since.
func (b *Baseline) Since(all []review.Change) []review.Change {
	var out []review.Change
	for _, c := range all {
		if was, ok := b.Changes[c.Path]; !ok || was != number(c) {
			out = append(out, c)
		}
	}
	return out
}

// number differs when the change differs, whatever a program may have left as it was, the time of a file among it: nobody
// can set the time of its last change of any kind.
func number(c review.Change) uint64 {
	if c.What == review.Deleted { // what it was like in the base stays as it is
		c.Stamp = 0
	}
	h := fnv.New64a()
	fmt.Fprint(h, c.What, c.Kind, c.Differs, c.Files, c.Size, c.Stamp, c.UID, c.GID)
	return h.Sum64()
}

// Write puts the baseline into a directory, for root alone.
func (b *Baseline) Write(dir string) error { return write(dir, name, b, 0o600) }

// Read returns the baseline of the boot with that id. It is [ErrNone] if there is none, or one of another boot.
func Read(dir, bootID string) (*Baseline, error) {
	var b Baseline
	err := read(dir, name, &b)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (b.BootID != bootID || b.Format != format) {
		return nil, ErrNone
	}
	return &b, err
}

// write replaces a file at once.
func write(dir, name string, v any, mode uint32) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	t, err := sys.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.WriteFile(name, append(data, '\n'), sys.Mine(mode))
}

func read(dir, name string, v any) error {
	p := path.Join(dir, name)
	data, err := os.ReadFile(p)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	return nil
}
