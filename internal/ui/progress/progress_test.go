package progress

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	"anicca/internal/ui"
)

// What takes longer says how far it is, again and again in one line, and the line is gone at the end.
func TestProgress(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := int64(1234)
	stop := line(w, 0, time.Millisecond, func() string { n *= 10; return "looked at " + ui.Grouped(n) })
	in := bufio.NewReader(r)
	for _, want := range []string{"\r\x1b[Klooked at 12,340", "\r\x1b[Klooked at 123,400"} {
		got := make([]byte, len(want))
		for i := range got {
			if got[i], err = in.ReadByte(); err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	stop()
	stop()
	w.Close()
	var rest strings.Builder
	if _, err := in.WriteTo(&rest); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(rest.String(), "\r\x1b[K") {
		t.Errorf("the line stays: %q", rest.String())
	}
}

// What is done at once says nothing, and neither does what nobody looks at.
func TestProgressIsQuiet(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	line(w, time.Hour, time.Hour, func() string { return "x" })()
	Line(w, func() string { t.Error("asked"); return "" })()
	w.Close()
	if n, _ := r.Read(make([]byte, 1)); n != 0 {
		t.Error("something was written")
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := ui.Grouped(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
