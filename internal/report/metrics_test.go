package report

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var metrics = Metrics(
	Report{When: 1700000000, Took: 0.25, Base: 3, Goes: true, Counts: Counts{"data": {3, 12 << 20}, "cache": {100, 1 << 40}}},
	Machine{Outcome: "done", Outcomes: []string{"done", "kept"}, Problems: 2, Reset: 1690000000, Made: 1680000000, Roots: 7, Used: 3 << 20, Memory: 4 << 20},
)

// What is written is in the text format of Prometheus, every sample is of a metric with a help and a type, and says what is so.
func TestMetrics(t *testing.T) {
	samples := samplesOf(t, metrics)
	for name, want := range map[string]float64{
		`anicca_review_files{worth="data"}`: 3, `anicca_review_bytes{worth="data"}`: 12 << 20, `anicca_review_bytes{worth="cache"}`: 1 << 40,
		`anicca_review_files{worth="credentials"}`: 0, `anicca_review_timestamp_seconds`: 1700000000, `anicca_review_duration_seconds`: 0.25,
		`anicca_reset_armed`: 1, `anicca_last_reset_timestamp_seconds`: 1690000000, `anicca_base_timestamp_seconds`: 1680000000,
		`anicca_archive_roots`: 7, `anicca_boot_outcome{outcome="done"}`: 1, `anicca_boot_outcome{outcome="kept"}`: 0, `anicca_boot_problems`: 2,
		`anicca_root_memory_used_bytes`: 3 << 20, `anicca_root_memory_size_bytes`: 4 << 20,
	} {
		if got, ok := samples[name]; !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", name, got, ok, want)
		}
	}
	none := samplesOf(t, Metrics(Report{}, Machine{}))
	for _, name := range []string{"anicca_last_reset_timestamp_seconds", "anicca_root_memory_size_bytes", "anicca_root_memory_used_bytes"} {
		if _, ok := none[name]; ok {
			t.Errorf("there is %s, and there is nothing to say", name)
		}
	}
}

var (
	comment = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	sample  = regexp.MustCompile(`^(([a-z_]+)(\{[a-z]+="[a-z]+"\})?) ([-+.e0-9]+)$`)
)

// samplesOf reads the text format, and is stricter than Prometheus.
func samplesOf(t *testing.T, text string) map[string]float64 {
	t.Helper()
	out, help, kind := map[string]float64{}, map[string]string{}, map[string]string{}
	last := ""
	if !strings.HasSuffix(text, "\n") {
		t.Error("the last line has no end")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := comment.FindStringSubmatch(line); m != nil {
			list := map[string]map[string]string{"HELP": help, "TYPE": kind}[m[1]]
			if _, twice := list[m[2]]; twice {
				t.Errorf("twice: %s", line)
			}
			list[m[2]], last = m[3], m[2]
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("not in the format: %q", line)
			continue
		}
		_, twice := out[m[1]]
		if m[2] != last || twice || help[m[2]] == "" || kind[m[2]] != "gauge" || strings.HasSuffix(m[2], "_total") {
			t.Errorf("out of place: %s", line)
		}
		v, err := strconv.ParseFloat(m[4], 64)
		if err != nil {
			t.Error(err)
		}
		out[m[1]] = v
	}
	return out
}

// Prometheus' own tool has nothing against it.
func TestMetricsByPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("needs promtool, which comes with prometheus")
	}
	p := filepath.Join(t.TempDir(), "anicca.prom")
	if err := os.WriteFile(p, []byte(metrics), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := exec.Command(tool, "check", "metrics")
	cmd.Stdin = in
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
