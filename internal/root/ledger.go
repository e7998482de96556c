package root

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"anicca/internal/sys"
)

// Places of our own objects, from the top level of the filesystem.
const (
	dir        = "anicca"
	ledgerPath = dir + "/ledger.json"
	baseDir    = dir + "/base"
	archiveDir = dir + "/archive"
	workDir    = dir + "/work" // unfinished objects and what an interruption left
)

const ledgerFormat = 1

// Ledger is our own record of every object that we created on one filesystem.
// Nothing that it does not name is ever changed.
type Ledger struct {
	Format     int       `json:"format"`
	Filesystem string    `json:"filesystem"` // UUID
	Root       string    `json:"root"`       // path of the root subvolume from the top level
	Store      string    `json:"store"`      // path of the main store's subvolume from the top level
	StorePath  string    `json:"storePath"`  // where the machine mounts it
	Counter    int       `json:"counter"`    // resets so far
	Bases      []Base    `json:"bases"`
	Archive    []Old     `json:"archive"`
	Leftovers  []Old     `json:"leftovers,omitempty"` // unused snapshots of interrupted resets, in anicca/work
	Intent     *Intent   `json:"intent,omitempty"`
	Written    time.Time `json:"written"`
}

// Intent is a reset that was begun.
type Intent struct {
	ID      string    `json:"id"` // of the old root in the archive, and of the new one while it is made
	Counter int       `json:"counter"`
	Base    int       `json:"base"`
	OldUUID string    `json:"oldUUID"`        // of the root when the reset began
	Good    bool      `json:"good,omitempty"` // the old root had booted well
	BootID  string    `json:"bootID"`
	When    time.Time `json:"when"`
}

func readLedger(top *sys.Tree) (*Ledger, error) {
	data, err := top.ReadFile(ledgerPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: no ledger on this filesystem: run 'anicca init'", err)
	}
	if err != nil {
		return nil, err
	}
	var l Ledger
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, fmt.Errorf("%s: %w", top.Path(ledgerPath), err)
	}
	if l.Format != ledgerFormat {
		return nil, fmt.Errorf("%s: format %d, this program knows %d: use the anicca that wrote it",
			top.Path(ledgerPath), l.Format, ledgerFormat)
	}
	return &l, nil
}

func (l *Ledger) write(top *sys.Tree, now time.Time) error {
	l.Written = now.UTC()
	data, err := json.MarshalIndent(l, "", "\t")
	if err != nil {
		return err
	}
	return top.WriteFile(ledgerPath, append(data, '\n'), sys.Perm{Mode: 0o600})
}

func (l *Ledger) newestBase() (Base, error) {
	if len(l.Bases) == 0 {
		return Base{}, errors.New("the ledger names no base: run 'anicca base new'")
	}
	return slices.MaxFunc(l.Bases, func(a, b Base) int { return a.Number - b.Number }), nil
}
