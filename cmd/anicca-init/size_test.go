package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The program is in every initrd, and every boot loader has to read it. It is built as the README says: nothing is inlined,
// which costs nothing that anybody waits for, and makes it a twentieth smaller.
func TestSize(t *testing.T) {
	const most = 3 << 20
	out := filepath.Join(t.TempDir(), "anicca-init")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -funcalign=8", "-gcflags=all=-l", "-o", out, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > most {
		t.Errorf("%d bytes stripped, want at most %d", info.Size(), most)
	}
}
