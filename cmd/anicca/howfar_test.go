package main

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	"anicca/internal/ui"
)

// What takes longer says how far it is, again and again in one line, and the line is gone at the end.
func TestHowFar(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := int64(1234)
	stop := howFarEvery(w, 0, time.Millisecond, func() string { n *= 10; return "looked at " + ui.Grouped(n) })
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
func TestHowFarIsQuiet(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	howFarEvery(w, time.Hour, time.Hour, func() string { return "x" })()
	howFar(w, func() string { t.Error("asked"); return "" })()
	w.Close()
	if n, _ := r.Read(make([]byte, 1)); n != 0 {
		t.Error("something was written")
	}
}
