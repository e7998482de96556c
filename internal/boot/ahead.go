package boot

import (
	"fmt"

	"anicca/internal/decl"
	"anicca/internal/root"
)

// Outcomes are all that a boot can come to.
var Outcomes = []Outcome{Done, Kept, Refused, Failed, Off, Unset, Pending}

// Ahead says whether the next boot takes the running root away, as things are, and if not, why. What will be on its kernel command
// line is not known.
func (r *Record) Ahead(d *root.Disk, declared decl.Reset) (goes bool, why string, err error) {
	if r.OnBase {
		return false, "the base itself is the root in this session", nil
	}
	do, err := decide(switches{}, Machine{Disk: d}, declared)
	if err != nil {
		return false, "", err
	}
	if n := d.Ledger().Freeze; do.reset && do.from == "" && n != 0 {
		return false, fmt.Sprintf("at the next boot the root becomes base %d", n), nil
	}
	return do.reset, do.why, nil
}
