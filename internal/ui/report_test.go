package ui

import (
	"strings"
	"testing"

	"anicca/internal/report"
)

// A person is told how much goes, of what kind, and what to type; nothing while nothing goes.
func TestTold(t *testing.T) {
	some := report.Counts{"credentials": {Files: 1, Size: 1 << 10}, "data": {Files: 2, Size: 11 << 20}, "cache": {Files: 900, Size: 1 << 30}}
	for _, c := range []struct {
		name string
		goes bool
		p    report.Person
		want string
	}{
		{"administrator", true, report.Person{UID: 1000, Admin: true, Counts: some}, "anicca: 3 files of value (11 MiB) go at the next reset (as of 14:05):\n  1 credentials, 2 data\n" +
			"  'sudo anicca review' names them, 'sudo anicca keep PATH' keeps one"},
		{"root", true, report.Person{Admin: true, Counts: report.Counts{"config": {Files: 1, Size: 5}}}, "anicca: 1 file of value (5 B) goes at the next reset (as of 14:05):\n  1 config\n" +
			"  'anicca review' names them, 'anicca keep PATH' keeps one"},
		{"somebody", true, report.Person{UID: 1000, Counts: report.Counts{"data": {Files: 2, Size: 5}}}, "anicca: 2 files of value in your home (5 B) go at the next reset (as of 14:05):\n  2 data\n" +
			"  'anicca review --user' names them; ask an administrator to keep one"},
		{"nothing of value", true, report.Person{Counts: report.Counts{"cache": {Files: 900}, "state": {Files: 3}}}, ""},
		{"resets are off", false, report.Person{UID: 1000, Admin: true, Counts: some}, ""},
	} {
		if got := strings.Join(Told(report.Report{Goes: c.goes}, c.p, "14:05"), "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	if got := Leaving(report.Report{Counts: some}); got != nil {
		t.Errorf("resets are off, at shutdown: %q", got)
	}
	if got := strings.Join(Leaving(report.Report{Goes: true, Counts: some}), "\n"); !strings.Contains(got, "3 files of value (11 MiB) go with this session:\n  1 credentials, 2 data\n") {
		t.Errorf("at shutdown: %q", got)
	}
	if got := Counted(report.Report{Why: `root.reset is "off"`, Counts: some}); got != `3 files of value (11 MiB) would go, of 903 in all: 1 credentials, 2 data; the next boot drops nothing: root.reset is "off"` {
		t.Errorf("for the journal: %s", got)
	}
}
