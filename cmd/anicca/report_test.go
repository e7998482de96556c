package main

import (
	"os"
	"testing"

	"anicca/internal/report"
	"anicca/internal/sys"
	"anicca/internal/tell"
)

// A report that cannot be read keeps nobody from making the next one.
func TestReportAfterAnUnreadableOne(t *testing.T) {
	tree, err := sys.OpenTree(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if err := os.MkdirAll(tree.Path("/run/anicca"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := report.State{Format: report.Format, Report: report.Report{When: 5}}
	if err := tell.Write(tree, s, tell.Options{All: full{State: s}}); err != nil {
		t.Fatal(err)
	}
	if before := counted(tree); before == nil || before.When != 5 {
		t.Errorf("%+v", before)
	}
	if err := os.WriteFile(tree.Path(tell.StatePath), []byte(`{"format":99,"when":"at five"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if before := counted(tree); before != nil {
		t.Errorf("%+v", before)
	}
}
