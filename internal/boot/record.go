package boot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"anicca/internal/decl"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// RecordPath is where a running system finds its boot record.
const RecordPath = "/run/anicca/boot.json"

// Outcome says what a boot did to the root.
type Outcome string

const (
	Done    Outcome = "done"    // the root is a fresh copy of the base
	Kept    Outcome = "kept"    // the root is the old one, on purpose; Why says why
	Refused Outcome = "refused" // the root is the old one because a reset would have done harm
	Failed  Outcome = "failed"  // the root is the old one because the reset did not work
	Off     Outcome = "off"     // the kernel command line told anicca to do nothing
	Unset   Outcome = "unset"   // anicca is not set up on this machine's root filesystem
	Pending Outcome = "pending" // the root is an overlay, or may be: it is made when its filesystem is mounted
)

// Record is what this boot did.
type Record struct {
	Format     int          `json:"format"`
	BootID     string       `json:"bootID"`
	Kernel     string       `json:"kernel"`
	When       time.Time    `json:"when"`
	Kexec      bool         `json:"kexec,omitempty"`  // the kernel was started by another, not by the boot loader
	Device     string       `json:"device,omitempty"` // the block device of the root
	FSType     string       `json:"fsType,omitempty"` // of the device
	Wait       float64      `json:"wait,omitempty"`   // seconds that a device may take to appear
	Backend    decl.Backend `json:"backend,omitempty"`
	Switch     string       `json:"switch,omitempty"` // anicca= on the kernel command line
	Reset      decl.Reset   `json:"reset,omitempty"`  // as declared
	Strict     bool         `json:"strict,omitempty"` // the machine shall rather stop than boot with something wrong
	Observe    bool         `json:"observe,omitempty"`
	RAM        bool         `json:"ram,omitempty"`  // the declared backend keeps the root in memory
	Size       string       `json:"size,omitempty"` // of that memory
	Outcome    Outcome      `json:"outcome"`
	Why        string       `json:"why,omitempty"`
	OnBase     bool         `json:"onBase,omitempty"` // the root, an overlay, could not be mounted: what it lies over is the root
	Made       *root.Made   `json:"made,omitempty"`
	Root       string       `json:"root,omitempty"` // identity of the running root; empty if it is not known
	Verified   bool         `json:"verified"`       // the mounted root was found to be the one that was made
	Recovered  []string     `json:"recovered,omitempty"`
	Generation int          `json:"generation,omitempty"`
	StorePath  string       `json:"store,omitempty"`
	Absent     []string     `json:"absent,omitempty"` // stores that are not there, and need not be
	Left       []string     `json:"left,omitempty"`   // stores that the initrd does not wait for, and that are not there yet
	Entries    []Entry      `json:"entries,omitempty"`
	Steps      []Timed      `json:"steps,omitempty"`
	Problems   []string     `json:"problems,omitempty"`
	Notes      []string     `json:"notes,omitempty"`
	Finished   bool         `json:"finished"`              // the late service has verified everything again
	Soft       int          `json:"softReboots,omitempty"` // since this boot, without the initrd and so without a reset

	pass   Pass        // the part of the boot that is at work
	at     string      // where the root is mounted
	lost   bool        // the last session was in memory, and nothing of it is there
	booted root.Booted // the root that was the last to boot well
	mild   int         // problems that a user can cause in their own home, and that so are no reason to stop
}

// State says how an entry came out.
type State string

const (
	Placed  State = "placed"  // in place and verified
	Waiting State = "waiting" // neither the store nor the old root has it yet
	Missed  State = "failed"
	Absent  State = "absent" // its store is not there, and need not be
	Later   State = "later"  // what it waits for, as Error says, comes in a later part of the boot
)

// Entry is how one kept entry came out.
type Entry struct {
	Path    string `json:"path"`
	State   State  `json:"state"`
	Error   string `json:"error,omitempty"`
	Adopted bool   `json:"adopted,omitempty"` // this boot took it from the old root into the store
	Pass    Pass   `json:"pass,omitempty"`    // that put it in place
}

// Timed is one step of the boot and how long it took.
type Timed struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms"`
}

const recordFormat = 1

// timed runs one step and notes how long it took, also when it fails.
func (r *Record) timed(name string, f func() error) error {
	from := time.Now()
	err := f()
	r.Steps = append(r.Steps, Timed{name, float64(time.Since(from).Microseconds()) / 1000})
	return err
}

// problem notes something that the user has to know and says it on the console.
func (r *Record) problem(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	r.Problems = append(r.Problems, s)
	sys.Say(s)
}

// note keeps something that the user may want to know.
func (r *Record) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
	sys.Say(r.Notes[len(r.Notes)-1])
}

// OK reports whether the boot did all that it should have done.
func (r *Record) OK() bool {
	return len(r.Problems) == 0 && r.Outcome != Failed && r.Outcome != Refused
}

// grave reports whether something is wrong that is a reason to stop where root.strict is declared.
func (r *Record) grave() bool {
	return len(r.Problems) > r.mild || r.Outcome == Failed || r.Outcome == Refused
}

// ReadRecord reads the record of this boot. It is nil if there is none.
func ReadRecord(p string) (*Record, error) {
	data, err := os.ReadFile(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return &r, nil
}

// Write puts the record at p for everybody to read.
func (r *Record) Write(p string) error {
	r.Format = recordFormat
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return err
	}
	dir, err := sys.OpenTree(filepath.Dir(p))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.WriteFile(filepath.Base(p), append(data, '\n'), sys.Perm{Mode: 0o644, UID: os.Getuid(), GID: os.Getgid()})
}
