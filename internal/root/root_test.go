package root

import (
	"testing"
	"time"
)

func TestCounterOf(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, want := range map[string]int{
		oldID(12, when): 12, oldID(1234567, when): 1234567, oldID(3, when) + "-home": 3,
		"000000-20260102T030405Z": 0, "-1-20260102T030405Z": 0, "000012": 0, "000012-20260102": 0, "000012-20260102T030405": 0,
		"12": 0, "x-20260102T030405Z": 0, "000012-2026x102T030405Z": 0, "": 0, "000012_20260102T030405Z": 0,
	} {
		if n, ok := counterOf(name); n != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v", name, n, ok)
		}
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
