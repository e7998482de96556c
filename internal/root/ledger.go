package root

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// Places of our own objects, from the top level of the filesystem.
const (
	anicca     = "anicca"
	ledgerPath = anicca + "/ledger.json"
	intentPath = anicca + "/intent.json"
	keepPath   = anicca + "/keep" // a file that a user puts there to keep the root until it is removed
	baseDir    = anicca + "/base"
	archiveDir = anicca + "/archive"
	workDir    = anicca + "/work" // unfinished objects and what an interruption left
)

const ledgerFormat = 1

// Ledger is our own record of every object that we created on one filesystem.
// Nothing that it does not name is ever changed.
type Ledger struct {
	Format     int          `json:"format"`
	Backend    decl.Backend `json:"backend"`
	Filesystem string       `json:"filesystem"` // UUID
	Root       string       `json:"root"`       // path of the root from the top level
	Store      string       `json:"store"`      // path of the main store from the top level
	StorePath  string       `json:"storePath"`  // where the machine mounts it
	Counter    int          `json:"counter"`    // resets so far
	Running    Running      `json:"running"`    // what the root in place was made from
	Bases      []Base       `json:"bases"`
	Archive    []Old        `json:"archive"`
	Leftovers  []Old        `json:"leftovers,omitempty"` // unused roots of interrupted resets, in anicca/work
	Next       *Next        `json:"next,omitempty"`
	Strict     bool         `json:"strict,omitempty"`   // as declared when the store was last read: it must be known without it
	Freeze     int          `json:"freeze,omitempty"`   // number of the base that the root becomes at the next reset
	Saving     string       `json:"saving,omitempty"`   // name in anicca/work of a root that is put together there
	Replaces   string       `json:"replaces,omitempty"` // identity of the root whose place it is to take
	Making     int          `json:"making,omitempty"`   // number of a base that was begun
	Written    time.Time    `json:"written"`
}

// Running is what the root in place was made from.
type Running struct {
	Base   int    `json:"base,omitempty"`
	From   string `json:"from,omitempty"`
	Kernel string `json:"kernel,omitempty"`
	RAM    bool   `json:"ram,omitempty"`   // in memory
	Saved  bool   `json:"saved,omitempty"` // and copied to the disk at its end
	Parts  []Part `json:"parts,omitempty"`
}

// Next is what the user wants of the next boot only.
type Next struct {
	What string `json:"what"`         // keep, reset or root
	ID   string `json:"id,omitempty"` // of the old root to boot
}

// ErrDamaged marks a ledger that cannot be read.
var ErrDamaged = errors.New("the ledger is damaged")

// notSetUp is told to who asks for what only a machine has that was set up.
type notSetUp struct{ error }

func (notSetUp) Error() string   { return "this machine is not set up yet: run 'anicca init'" }
func (e notSetUp) Unwrap() error { return e.error }

// errIntent marks an intent that cannot be read.
var errIntent = errors.New("what was noted of an interrupted reset cannot be read")

func readLedger(top *sys.Tree) (*Ledger, error) {
	data, err := top.ReadFile(ledgerPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notSetUp{err}
	}
	if err != nil {
		return nil, err
	}
	var l Ledger
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, top.Path(ledgerPath), err)
	}
	if l.Format != ledgerFormat {
		return nil, fmt.Errorf("%s: format %d, this program knows %d: use the anicca that wrote it",
			top.Path(ledgerPath), l.Format, ledgerFormat)
	}
	if l.Backend == "" { // written before there was more than one
		l.Backend = decl.Btrfs
	}
	return &l, nil
}

func (l *Ledger) write(top *sys.Tree, now time.Time) error {
	l.Written = now.UTC()
	return writeJSON(top, ledgerPath, l, top.WriteFile)
}

func writeJSON(top *sys.Tree, p string, v any, write func(string, []byte, sys.Perm) error) error {
	data, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return write(p, append(data, '\n'), sys.Mine(0o600))
}

func (l *Ledger) newestBase() (Base, error) {
	if len(l.Bases) == 0 {
		return Base{}, errors.New("the ledger names no base: run 'anicca base new'")
	}
	return slices.MaxFunc(l.Bases, func(a, b Base) int { return a.Number - b.Number }), nil
}

func (l *Ledger) base(n int) (Base, error) {
	if i := slices.IndexFunc(l.Bases, func(b Base) bool { return b.Number == n }); i >= 0 {
		return l.Bases[i], nil
	}
	return Base{}, fmt.Errorf("the ledger names no base %d", n)
}

func (l *Ledger) old(id string) (Old, error) {
	if i := slices.IndexFunc(l.Archive, func(o Old) bool { return o.ID == id }); i >= 0 {
		return l.Archive[i], nil
	}
	return Old{}, unknown(id)
}

func unknown(id string) error {
	return fmt.Errorf("no old root %q: 'anicca archive' lists them", id)
}

// Intent is a reset that was begun. It is a file of its own, so that its writing need not wait for the ledger's.
type Intent struct {
	ID      string    `json:"id"` // of the old root in the archive, and of the new one while it is made
	Counter int       `json:"counter"`
	Base    int       `json:"base,omitempty"` // that the new root is a copy of
	From    string    `json:"from,omitempty"` // the old root that it is a copy of instead
	Freeze  int       `json:"freeze,omitempty"`
	OldUUID string    `json:"oldUUID"` // of the root when the reset began
	Good    bool      `json:"good,omitempty"`
	Kernel  string    `json:"kernel,omitempty"`  // that the old root last ran with
	Running string    `json:"running,omitempty"` // the kernel of this boot
	RAM     bool      `json:"ram,omitempty"`     // the new root is in memory
	Parts   []Part    `json:"parts,omitempty"`   // with the UUIDs that they had when the reset began
	BootID  string    `json:"bootID"`
	When    time.Time `json:"when"`
}

func readIntent(top *sys.Tree) (*Intent, error) {
	data, err := top.ReadFile(intentPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var in Intent
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errIntent, intentPath, err)
	}
	return &in, nil
}
