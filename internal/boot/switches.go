package boot

import (
	"fmt"
	"os"
	"strings"

	"anicca/internal/decl"
)

// switches are what the kernel command line wants of anicca in this boot. The last of each counts.
type switches struct {
	what string // off, keep or observe
	root string // id of the old root to boot
}

func readSwitches(cmdline string) (switches, error) {
	var s switches
	for f := range strings.FieldsSeq(cmdline) {
		if v, ok := strings.CutPrefix(f, "anicca="); ok {
			s.what = v
		}
		if v, ok := strings.CutPrefix(f, "anicca.root="); ok {
			s.root = v
		}
	}
	switch s.what {
	case "", "off", "keep", "observe":
		return s, nil
	}
	return s, fmt.Errorf("unknown anicca=%s on the kernel command line: it takes off, keep or observe; the root is kept", s.what)
}

// text is how the switches stood on the command line, for the record.
func (s switches) text() string {
	if s.root != "" {
		return strings.TrimSpace(s.what + " root=" + s.root)
	}
	return s.what
}

// crashKernel reports whether this kernel was started to save the memory of one that crashed:
// kexec tells it where that is. See Documentation/admin-guide/kdump of the kernel.
func crashKernel(cmdline string) bool {
	for f := range strings.FieldsSeq(cmdline) {
		if strings.HasPrefix(f, "elfcorehdr=") {
			return true
		}
	}
	_, err := os.Stat("/proc/vmcore") // of a kernel that is told so by its device tree
	return err == nil
}

// decision is what a boot does to the root.
type decision struct {
	reset bool
	from  string // id of the old root that it begins as; empty for the newest base
	why   string // why the root is kept
	once  bool   // "anicca next" said so: that is used up by this boot
}

// decide weighs what the command line, "anicca next", the marker file and the declaration want, in this order.
func decide(s switches, m Machine, declared decl.Reset) (decision, error) {
	next := m.Disk.Ledger().Next
	marked, err := m.Disk.Marked()
	if err != nil {
		return decision{}, err
	}
	switch {
	case m.Keep != "":
		return decision{why: m.Keep}, nil
	case s.what == "keep", s.what == "observe":
		return decision{why: "anicca=" + s.what + " is on the kernel command line"}, nil
	case s.root != "":
		return decision{reset: true, from: s.root}, nil
	case next != nil && next.What == "keep":
		return decision{why: "'anicca next keep' was said", once: true}, nil
	case next != nil:
		return decision{reset: true, from: next.ID, once: true}, nil
	case marked:
		return decision{why: "the file anicca/keep lies on the top level of the filesystem; remove it to reset again"}, nil
	case m.Disk.Ledger().Freeze != 0:
		return decision{reset: true}, nil // what looks like a reset takes nothing away: the old root becomes the base
	case declared == decl.ResetOn:
		return decision{reset: true}, nil
	}
	return decision{why: fmt.Sprintf("root.reset is %q", declared)}, nil
}
