package report

import (
	"fmt"
	"strings"
)

// Identifiers of what is written to the journal, for 'journalctl MESSAGE_ID=…'. Made by 'systemd-id128 new', once.
const (
	Counted = "45818ec4071547daa98f1e8021f6e73d" // how much the next reset would drop has changed
	Leaving = "7e2dbdee2d06478aaa7f01d3bdd8e146" // the machine is shut down, and something of value goes
)

// Field is one field of an entry of the journal.
type Field struct{ Name, Value string }

// Entry returns what an entry of the journal says of a report, beside its message. See systemd.journal-fields(7).
func Entry(r Report, id, message string) []Field {
	v := r.Counts.Value()
	level := "6" // info
	if r.Goes && v.Files > 0 {
		level = "5" // notice
	}
	out := []Field{
		{"MESSAGE", message},
		{"MESSAGE_ID", id},
		{"PRIORITY", level},
		{"SYSLOG_IDENTIFIER", "anicca"},
		{"ANICCA_FILES", fmt.Sprint(v.Files)},
		{"ANICCA_BYTES", fmt.Sprint(v.Size)},
		{"ANICCA_BASE", fmt.Sprint(r.Base)},
		{"ANICCA_ARMED", fmt.Sprint(number(r.Goes))},
	}
	for _, w := range Worths() {
		c, word := r.Counts[w.String()], strings.ToUpper(w.String())
		out = append(out, Field{"ANICCA_FILES_" + word, fmt.Sprint(c.Files)}, Field{"ANICCA_BYTES_" + word, fmt.Sprint(c.Size)})
	}
	return out
}
