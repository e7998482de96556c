package apply_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/sys"
)

// A program writes to a file after it was copied, and before its copy covers it: that is in the copy. What others have written to the
// copy by then is not overwritten.
func TestCoverAFileThatIsWrittenTo(t *testing.T) {
	defer func() { sys.Fault = nil }()
	for what, c := range map[string]struct{ original, kept, want string }{
		"longer":       {"one, two and three\n", "", "one, two and three\n"},
		"shorter":      {"1\n", "", "1\n"},
		"holes":        {"\x00\x00\x00\x00", "", "\x00\x00\x00\x00"},
		"the copy too": {"one and two\n", "by the other\n", "by the other\n"},
		"nothing":      {"", "", "one\n"},
	} {
		t.Run(what, func(t *testing.T) {
			m := newMachine(t, map[string]string{"base/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "base/etc/bind": "one\n"})
			at := filepath.Join(m.root.Name(), "etc/bind")
			done := false
			sys.Fault = func(op, p string) error {
				if op != "move_mount" || !strings.HasSuffix(p, "/etc/bind") || done {
					return nil
				}
				done = true
				if c.original != "" {
					must(t, os.WriteFile(at, []byte(c.original), 0o644))
				}
				if c.kept != "" {
					must(t, os.WriteFile(filepath.Join(m.root.Name(), "persist/etc/bind"), []byte(c.kept), 0o644))
				}
				return nil
			}
			must(t, apply.Run(m.root, m.plan(file("/etc/bind", decl.Bind)), nil))
			sys.Fault = nil
			if got := m.read("/etc/bind"); got != c.want || !done {
				t.Errorf("%q, want %q", got, c.want)
			}
			if got := m.read("/persist/etc/bind"); got != c.want {
				t.Errorf("kept: %q, want %q", got, c.want)
			}
		})
	}
}
