package report

import (
	"fmt"
	"strings"
)

// Machine is what a monitoring system wants to know beside the report.
type Machine struct {
	Outcome  string   // of this boot
	Outcomes []string // that there are
	Problems int      // of this boot
	Reset    int64    // when the root was last made anew, in seconds since 1970; 0 if it never was
	Made     int64    // when the newest base was made
	Roots    int      // old roots in the archive
	Used     uint64   // of the memory that the root is in, in bytes
	Memory   uint64   // how much of that there is; 0 if the root is not in memory
}

// Metrics writes a report in the text format of Prometheus:
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
// node_exporter takes no times beside values, and adds the machine itself.
func Metrics(r Report, m Machine) string {
	var b strings.Builder
	gauge := func(name, help string, samples ...any) { // pairs of a label, or nothing, and a value
		fmt.Fprintf(&b, "# HELP anicca_%s %s\n# TYPE anicca_%s gauge\n", name, help, name)
		for i := 0; i < len(samples); i += 2 {
			fmt.Fprintf(&b, "anicca_%s%s %v\n", name, samples[i], samples[i+1])
		}
	}
	var files, bytes, outcomes []any
	for _, w := range Worths() {
		label, c := fmt.Sprintf("{worth=%q}", w), r.Counts[w.String()]
		files, bytes = append(files, label, c.Files), append(bytes, label, c.Size)
	}
	for _, o := range m.Outcomes {
		outcomes = append(outcomes, fmt.Sprintf("{outcome=%q}", o), number(o == m.Outcome))
	}
	gauge("review_files", "Files that the next reset would drop, by what they are worth.", files...)
	gauge("review_bytes", "Size of the files that the next reset would drop, by what they are worth.", bytes...)
	gauge("review_timestamp_seconds", "When these were counted, in seconds since 1970.", "", r.When)
	gauge("review_duration_seconds", "How long counting took.", "", r.Took)
	gauge("reset_armed", "1 if the next boot resets the root, 0 if it keeps it.", "", number(r.Goes))
	if m.Reset != 0 {
		gauge("last_reset_timestamp_seconds", "When the root was last made anew, in seconds since 1970.", "", m.Reset)
	}
	gauge("base_timestamp_seconds", "When the newest base was made, in seconds since 1970.", "", m.Made)
	gauge("archive_roots", "Old roots in the archive.", "", m.Roots)
	gauge("boot_outcome", "1 for what this boot did to the root, 0 for what it did not.", outcomes...)
	gauge("boot_problems", "Problems that this boot had.", "", m.Problems)
	if m.Memory != 0 {
		gauge("root_memory_used_bytes", "How much is used of the memory that the root is in.", "", m.Used)
		gauge("root_memory_size_bytes", "How much there is of the memory that the root is in.", "", m.Memory)
	}
	return b.String()
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
