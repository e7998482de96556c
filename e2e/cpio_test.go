//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// initramfs packs programs of the host as an uncompressed archive of the form that the kernel unpacks ("newc", see
// the kernel's driver-api/early-userspace/buffer-format).
func initramfs(t *testing.T, programs map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	n := 0
	add := func(name string, mode uint32, data []byte) {
		n++
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			n, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
		b.WriteString(name + "\x00")
		pad(&b)
		b.Write(data)
		pad(&b)
	}
	for _, d := range []string{"dev", "proc", "run", "sbin", "sys", "sysroot"} {
		add(d, 0o40755, nil)
	}
	for name, p := range programs {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		add(name, 0o100755, data)
	}
	add("TRAILER!!!", 0, nil)
	return b.Bytes()
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
