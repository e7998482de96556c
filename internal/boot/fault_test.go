package boot

import (
	"errors"
	"strings"

	"anicca/internal/sys"
)

// failing runs f while the disk is full for some operations.
func failing(which func(op, p string) bool, f func()) {
	defer func() { sys.Fault = nil }()
	sys.Fault = func(op, p string) error {
		if which(op, p) {
			return errors.New("no space left on device")
		}
		return nil
	}
	f()
}

// cutAt lets the power go at the nth operation that changes something while f runs, and reports whether it came to that.
func cutAt(n int, f func()) (was bool) {
	defer func() { sys.Fault = nil }()
	sys.Fault = func(string, string) error {
		if n--; n <= 0 {
			was = true
			return errors.New("power cut")
		}
		return nil
	}
	f()
	return was
}

// operations are those that change something while f runs, with their paths in the root.
func (d *disk) operations(f func()) []string {
	defer func() { sys.Fault = nil }()
	var out []string
	sys.Fault = func(op, p string) error {
		out = append(out, op+" "+strings.TrimPrefix(p, d.sysroot()))
		return nil
	}
	f()
	return out
}
