package tell

import (
	"cmp"
	"fmt"
	"path"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// usualMetrics is where the node_exporter of Debian and Ubuntu looks.
const usualMetrics = "/var/lib/prometheus/node-exporter"

// metricsDir is where the text is to be.
func metricsDir(declared string) string { return cmp.Or(declared, usualMetrics) }

// Metrics puts a text for node_exporter into its directory. Where none is declared and the usual one is not there, nobody reads it.
func Metrics(t *sys.Tree, declared, text string) error {
	dir := metricsDir(declared)
	s, err := t.Stat(dir)
	switch {
	case declared == "" && (err != nil || !s.IsDir()):
		return nil
	case err != nil:
		return fmt.Errorf("report.metrics: %w: make the directory that node_exporter reads, or declare another", err)
	}
	return t.WriteFile(path.Join(dir, decl.MetricsFile), []byte(text), sys.Mine(0o644))
}
