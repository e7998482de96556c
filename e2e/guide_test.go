//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every row of the guide's page on boots is a test, every such test has a row, and the row says what the test sees.
func TestGuide(t *testing.T) {
	page, err := os.ReadFile("../docs/guide/at-boot.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		sources.WriteString(readFile(t, f))
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-") || strings.TrimSpace(cells[len(cells)-1]) == "test" {
			continue
		}
		name := strings.TrimSpace(cells[len(cells)-1])
		rows[name] += line
		if strings.HasPrefix(name, "Test") {
			if !regexp.MustCompile(`func ` + name + `\(t \*testing\.T\)`).MatchString(sources.String()) {
				t.Errorf("there is no %s: %s", name, line)
			}
			continue
		}
		if _, ok := faults[name]; !ok {
			t.Errorf("there is no test of that name: %s", line)
		}
	}
	for name, f := range faults {
		row, ok := rows[name]
		if !ok {
			t.Errorf("the guide has no row for the test %q", name)
		}
		for _, said := range []string{f.say, f.console} {
			first, _, _ := strings.Cut(said, ": 1 bases")
			if said != "" && f.console == "" && !strings.Contains(row, first) {
				t.Errorf("the row does not say what is seen, %q: %s", said, row)
			}
		}
	}
}
