package baseline

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"anicca/internal/decl"
)

const knownName = "known.json"

// Known is what everybody on the machine may know of its root. Like the record of the boot, it names what is kept; what is ignored only where it
// is so in every home.
type Known struct {
	Format  int          `json:"format"`
	BootID  string       `json:"bootID"`
	Base    int          `json:"base"`              // number of the newest
	Since   time.Time    `json:"since"`             // what was changed later is not in it
	Settled time.Time    `json:"settled,omitzero"`  // when the boot had; zero before that
	Merged  bool         `json:"merged,omitempty"`  // the root is an overlay: a file of the base that was changed is a new one for the kernel
	Store   string       `json:"store"`             // with the records of what is kept
	Kept    []string     `json:"kept"`              // with all below
	Volumes []string     `json:"volumes,omitempty"` // mount points of what is reset with the root
	Ignore  []decl.Noise `json:"ignore,omitempty"`
}

// ErrUnknown says that nothing was said to people yet.
var ErrUnknown = errors.New("what the next reset drops is not known to users yet: anicca-baseline.service writes that down when the boot has settled, " +
	"as 'sudo anicca review --baseline' does")

// Write puts it into a directory, for everybody to read.
func (k Known) Write(dir string) error {
	k.Format = format
	var every []decl.Noise
	for _, n := range k.Ignore {
		if strings.HasPrefix(n.Pattern, "~") {
			every = append(every, n)
		}
	}
	k.Ignore = every
	return write(dir, knownName, k, 0o644)
}

// ReadKnown returns what was written in the boot with that id. It is [ErrUnknown] if nothing was.
func ReadKnown(dir, bootID string) (k Known, err error) {
	err = read(dir, knownName, &k)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (k.BootID != bootID || k.Format != format) {
		return Known{}, ErrUnknown
	}
	return k, err
}

// Drops reports whether the next reset drops what lies at p, where that is on the mount with that mount point; if not, why is the path that is kept,
// or the mount point.
func (k Known) Drops(p, mountPoint string) (drops bool, why string) {
	for _, kept := range k.Kept {
		if p == kept || strings.HasPrefix(p, strings.TrimSuffix(kept, "/")+"/") {
			return false, kept
		}
	}
	if mountPoint == "/" {
		return true, ""
	}
	for _, v := range k.Volumes {
		if mountPoint == path.Clean(v) {
			return true, ""
		}
	}
	return false, mountPoint
}
